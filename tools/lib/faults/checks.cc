#include "tools/lib/faults/checks.h"

#include <algorithm>
#include <array>

#include "tools/lib/faults/checks_gpu.h"

namespace kigo::tools {
namespace {

// Only tests that fail in an orderly way: one that takes a refused file for granted would crash instead.
constexpr auto kChecks = std::to_array<FaultCheck>({
    {"F01", 'u', "core_gguf_test", "Header.*"},
    {"F01", 'p', "core_gguf_test", "RoundTrip.*:Specimens/Damage.IsRefusedExactly*"},
    {"F02", 'g', "core_gguf_test", "Differential.*"},
    {"F02", 'u', "core_gguf_test", "TensorInfo.*"},
    {"F03", 'u', "core_gguf_test", "Metadata.TakesTheAlignmentOrItsDefault:TensorInfo.*"},
    {"F03", 'p', "core_gguf_test", "RoundTrip.*"},
    {"F04", 'g', "core_gguf_test", "GgufPy.*:Differential.*"},
    {"F05", 'u', "core_gguf_test", "TensorInfo.*:GgufPy.GivesItsTensors"},
    {"F40", 't', "core_sample_test", "Sampler.LeavesWhatTheTextbookLeaves"},
    {"F40", 'u', "core_sample_test", "Order.*"},
    {"F41", 't', "core_sample_test", "Sample.LooksAtAllOf151936Ids:Sampler.LeavesWhatTheTextbookLeaves"},
    {"F42", 'u', "core_sample_test", "Temperature.*:TopK.*:TopP.*"},
    {"F42", 't', "reference_test", "Draw.AfterTheFiltersEqualsTheSampler"},
    {"F43", 'u', "core_sample_test", "Draw.TakesTheFirst*:Draw.FallsBack*"},
    {"F43", 'p', "core_sample_test", "Draw.TakesAnIdWithWeightAtEitherEnd"},
    {"F44", 'p', "core_sample_test", "Sampler.DrawsAllowedIdsAndTheSameOnesAgain"},
    {"F44", 'r', "reference_test", "Draw.AfterTheFiltersEqualsTheSampler"},
    {"F44", 'e', "faults_test", "HaikuOverHttp.AWorkerPassesEveryCheckOfTheEngine"},
    {"F45", 'g', "core_text_test", "TokenizerGolden.*:ChatFormat.*"},
    {"F45", 'u', "core_text_test", "SpecialTokens.*:ChatRender.*"},
    {"F46", 'g', "core_text_test", "TokenizerGolden.*:ChatFormat.WritesWhatJinjaMakesOfTheTemplate"},
    {"F46", 'u', "core_text_test", "ChatRender.*"},
    {"F47", 'g', "core_text_test", "TokenizerGolden.*"},
    {"F47", 'p', "core_text_test", "Tokenizer.*"},
    {"F48", 'p', "core_text_test", "StreamDecoder.*:Tokenizer.TheStreamOfTokensIsTheTextOfTheWhole"},
    {"F48", 'e', "faults_test", "HaikuOverHttp.AnUntrainedModelsTextIsItsIdsDecodedAtOnce"},
    {"F49", 'u', "core_text_test",
     "Tokenizer.KnowsWhatEndsAnAnswer:TokenizerGolden.Qwen2sKeysAreReadFromTheFile"},
    {"F49", 'e', "faults_test", "HaikuOverHttp.AnAnswerEndsWhereTheFilesOwnEndTokenStands"},
    {"F50", 'e', "faults_test", "HaikuOverHttp.AWorkerPassesEveryCheckOfTheEngine"},
    {"F54", 'e', "faults_test", "TheWorker.GivesTheReferencesIds"},
    {"F55", 'u', "core_compare_test", "Rejects.*"},
    {"F55", 'p', "core_compare_test", "Close.*"},
    {"F70", 't', "core_sample_test", "Sample.LooksAtAllOf151936Ids"},
    {"F70", 'p', "core_sample_test", "Sampler.*"},
    {"F75", 'g', "golden_test", "*tiny_q4_k_m*"},
    {"F76", 'g', "golden_test", "*tiny_q4_k_m*"},
    {"F76", 'u', "reference_test", "Attention.WorkedExample"},
    {"F77", 'g', "golden_test", "*tiny_q4_k_m*"},
    {"F79", 'g', "golden_test", "*tiny_q4_k_m*"},
    {"F82", 't', "laws_test", "*rmsnorm*"},
    {"F84", 'u', "core_compare_test", "Rejects.*"},
    {"F87", 'u', "faults_test", "Capture.GivesBackTwoCheckpointsOfOneShape"},
    {"F87", 'p', "faults_test", "Capture.NoTwoCheckpointsShareBytes"},
    {"F84", 'p', "core_compare_test", "Close.*"},
    {"F88", 'u', "core_base_test", "Json.*"},
    {"F06B", 'g', "core_quant_test", "*GoldenBlocks*"},
    {"F07B", 'g', "core_quant_test", "*GoldenBlocks*"},
    {"F08B", 'g', "core_quant_test", "*GoldenBlocks*"},
    {"F09B", 'g', "core_quant_test", "*GoldenBlocks*"},
    {"F10B", 'g', "core_quant_test", "*GoldenBlocks*"},
    {"F56B", 'g', "core_quant_test", "*GoldenBlocks*"},
    {"F57B", 'g', "core_quant_test", "*GoldenBlocks*"},
    {"F58B", 'g', "core_quant_test", "*GoldenBlocks*"},
    {"F59aB", 'g', "core_quant_test", "*GoldenBlocks*"},
    {"F78", 'g', "core_quant_test", "*GoldenBlocks*"},
});

constexpr auto kControls = std::to_array<Control>({
    {"norms far from one", "faults_test", "Controls.NormsFarFromOne"},
    {"biases down to -34, q near 16", "faults_test", "Controls.BiasesDownToMinus34"},
    {"one hidden dimension that grows", "faults_test", "Controls.OneHiddenDimensionThatGrows"},
    {"attention at position 0 equals v", "faults_test", "Controls.AtPositionZeroAttentionGivesTheValues"},
    {"softmax terms not adding up to 1", "faults_test", "Controls.SoftmaxTermsThatDoNotAddUpToOne"},
    {"the same token repeated", "faults_test", "Controls.TheSameTokenAgainAndAgain"},
    {"near-equal top logits", "faults_test", "Controls.NearEqualTopLogits"},
    {"causal mask as a matrix", "faults_test", "Controls.ACausalMaskMadeAsAMatrix"},
    {"chunked prefill of 1, 7, 64", "faults_test", "Controls.ChunksOfOneSevenAndSixtyFour"},
    {"prefill one token at a time", "reference_test", "*ForwardOf.PrefillHasTheBitsOfDecodingStepByStep*"},
    {"another summation order", "reference_test", "*ForwardOf.FastProductsAreNearTheDoubleOnesAndNotThose*"},
    {"-0 against +0", "core_compare_test", "Passes.MinusZeroForZeroUnderTheExactBound"},
    {"a fused form against the plain one", "reference_test", "PagedAttention.EqualsAttentionOverDenseKeys"},
    {"capture on", "reference_test", "Taps.ChangeNoBitOfTheLogits"},
    {"file of another alignment", "core_model_test", "ModelBytes.OfEveryAlignmentAreTheSameModel"},
    {"padding that is not zero", "faults_test", "Controls.PaddingThatIsNotZero"},
    {"trailing bytes", "core_gguf_test", "Regions.CountsBytesBehindTheLastTensor"},
    {"keys in another order", "faults_test", "Controls.KeysInAnotherOrder"},
    {"unused keys of odd types", "core_model_test", "Config.KeepsAndIgnoresKeysNobodyReads"},
    {"tied output", "core_model_test", "Weights.UseTheEmbeddingAsHeadWhenTied"},
    {"untied output", "core_model_test", "Weights.UseTheOutputAsHeadWhereItIsPresent"},
    {"subnormal and negative scales", "core_model_test",
     "*BlockScale.ThatIsMinusZeroSubnormalOrLargestIsAccepted*"},
    {"a zero block", "core_model_test", "*BlockScale.OfABlockOfZerosIsAccepted*"},
    {"290 and 291 tensors", "core_model_test", "Weights.Are290For24LayersWhenTiedAnd291WhenNot"},
});

struct Part {
  std::string_view program, suite, part;
};
constexpr auto kParts = std::to_array<Part>({
    {"core_compare_test", "Report.", "harness:report"},
    {"core_compare_test", "", "harness:compare"},
    {"core_base_test", "Json.", "harness:report"},
    {"faults_test", "Capture.", "harness:capture"},
    {"faults_test", "TheWorker.", "tokens"},
    {"laws_test", "", "harness:compare"},
});

}  // namespace

std::span<const FaultCheck> checks() { return kChecks; }
std::span<const FaultCheck> gpu_checks() { return kGpuChecks; }
std::span<const Control> controls() { return kControls; }

std::string_view harness_part(std::string_view program, std::string_view test) {
  const auto at = std::ranges::find_if(
      kParts, [&](const Part& part) { return part.program == program && test.starts_with(part.suite); });
  return at == kParts.end() ? std::string_view() : at->part;
}

std::string_view why_not_run(char kind) { return kind == 'z' ? "sanitizers run in ci/gpu" : ""; }

}  // namespace kigo::tools
