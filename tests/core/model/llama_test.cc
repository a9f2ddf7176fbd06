// What the family llama has of its own among the cases of docs/gguf.md, section 5.
#include <gtest/gtest.h>

#include <cstring>

#include "core/base/cat.h"
#include "tests/core/model/model_file.h"

namespace kigo::model {
namespace {

/// The file of model_file.h, without biases, with keys of llama.
struct LlamaFile : ModelFile {
  LlamaFile() : ModelFile(2, "llama") {}
};

Config config_of(const ModelFile& model) { return *read_config(model.file()); }

TEST(Llama, RotatesNeighboursAndNeedsNoBiases) {
  const Architecture* row = find_architecture("llama");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->position, Position::rope_neighbours);
  EXPECT_TRUE(accept(LlamaFile().file())) << accept(LlamaFile().file()).error().message();
}

TEST(Llama, HasNinePlusTwoTensorsForALayerWhenTied) {
  const LlamaFile model;
  EXPECT_EQ(find_weights(model.file(), config_of(model))->all().size(), 2 * 9 + 2u);
}

TEST(Llama, ReportsTheRopeBaseThatItTakesByDefault) {
  LlamaFile model;
  model.erase("llama.rope.freq_base");
  const Config config = config_of(model);
  EXPECT_EQ(config.rope_base, 10000);
  EXPECT_EQ(config.notes, std::vector<std::string>{"llama.rope.freq_base: 10000, by default"});
}

TEST(Llama, RefusesARopeBaseOfAnotherTypeInsteadOfTheDefault) {
  LlamaFile model;
  model.set("llama.rope.freq_base", 5e5);
  expect_refused_key(model, Code::wrong_type, "llama.rope.freq_base", "f64", "f32");
}

class LlamaKey : public testing::TestWithParam<const char*> {};
TEST_P(LlamaKey, IsMissedByName) {
  LlamaFile model;
  model.erase(GetParam());
  const std::string type = std::string_view(GetParam()).ends_with("epsilon") ? "f32" : "u32";
  expect_refused(model, {Code::missing_key, GetParam(), "missing", cat(type, ", which llama needs"), {}});
}
INSTANTIATE_TEST_SUITE_P(Required, LlamaKey,
                         testing::Values("llama.context_length", "llama.embedding_length",
                                         "llama.block_count", "llama.feed_forward_length",
                                         "llama.attention.head_count",
                                         "llama.attention.layer_norm_rms_epsilon"),
                         [](const auto& each) { return cat("N", each.index); });

// --- tensors that may be there

TEST(Llama, TakesBiasesOfAttentionWhereTheyArePresent) {
  LlamaFile model;
  model.add("blk.0.attn_q.bias", {64});
  model.add("blk.1.attn_k.bias", {32});
  model.add("blk.1.attn_v.bias", {32});
  model.add("blk.1.attn_output.bias", {64});
  ASSERT_TRUE(accept(model.file())) << accept(model.file()).error().message();
  const Weights weights = *find_weights(model.file(), config_of(model));
  EXPECT_NE(weights.find(Role::attn_q_bias, 0), nullptr);
  EXPECT_EQ(weights.find(Role::attn_q_bias, 1), nullptr);
  EXPECT_EQ(weights.find(Role::attn_output_bias, 1)->name, "blk.1.attn_output.bias");
}

TEST(Llama, TakesABiasOfZerosWhichItDoesNotNeed) {
  LlamaFile model;
  model.add("blk.0.attn_q.bias", {64});
  std::memset(model.data("blk.0.attn_q.bias"), 0, 64 * sizeof(float));
  EXPECT_TRUE(accept(model.file()));
}

TEST(Llama, RefusesABiasOfAnotherShape) {
  LlamaFile model;
  model.add("blk.0.attn_output.bias", {32});
  expect_refused_tensor(model, Code::wrong_shape, "blk.0.attn_output.bias", "shape [32]", "[width] = [64]");
}

class StrangeToLlama : public testing::TestWithParam<const char*> {};
TEST_P(StrangeToLlama, IsRefused) {
  LlamaFile model;
  model.add(GetParam(), {64});
  expect_refused_tensor(model, Code::unexpected_tensor, GetParam(), "not a tensor of this model",
                        "those of llama with blk.0 to blk.1");
}
INSTANTIATE_TEST_SUITE_P(Tensor, StrangeToLlama,
                         testing::Values("blk.0.ffn_up.bias", "blk.0.ffn_gate_inp.weight",
                                         "blk.0.ffn_gate_exps.weight", "blk.0.attn_rot_embd",
                                         "rope_factors_long.weight", "blk.2.rope_freqs.weight"),
                         [](const auto& each) { return cat("N", each.index); });

TEST(RopeFreqs, AreTakenWhereTheyArePresent) {
  LlamaFile model;
  model.add("rope_freqs.weight", {8});
  ASSERT_TRUE(accept(model.file())) << accept(model.file()).error().message();
  EXPECT_EQ(find_weights(model.file(), config_of(model))->find(Role::rope_freqs)->name, "rope_freqs.weight");
}

TEST(RopeFreqs, OfAnotherNumberThanPairsAreRefused) {
  LlamaFile model;
  model.add("rope_freqs.weight", {16});
  expect_refused_tensor(model, Code::wrong_shape, "rope_freqs.weight", "shape [16]", "[rope_dims / 2] = [8]");
}

TEST(RopeFreqs, AreNeverQuantised) {
  LlamaFile model;
  model.set("llama.attention.key_length", uint32_t{64});
  model.set("llama.attention.value_length", uint32_t{64});
  model.add("rope_freqs.weight", {32}, "Q8_0");
  const std::vector<Error> errors = explain(model.file());
  ASSERT_FALSE(errors.empty());
  EXPECT_EQ(errors[0].message(),
            cat("rope_freqs.weight: type Q8_0, expected F32, F16 or BF16 for a vector (wrong_type, byte ",
                model.offset_of("rope_freqs.weight"), ")"));
}

class BadDivisor : public testing::TestWithParam<std::pair<float, const char*>> {};
TEST_P(BadDivisor, IsRefused) {
  const auto [value, text] = GetParam();
  LlamaFile model;
  model.add("rope_freqs.weight", {8});
  std::memcpy(model.data("rope_freqs.weight") + 3 * sizeof value, &value, sizeof value);
  const gguf::Tensor& tensor = model.tensor("rope_freqs.weight");
  expect_refused(model, {Code::bad_data, "rope_freqs.weight", cat("element 3 is ", text),
                         "above 0: frequencies are divided by it",
                         model.file().data_offset + tensor.offset + 3 * sizeof value});
}
INSTANTIATE_TEST_SUITE_P(Value, BadDivisor, testing::Values(std::pair(0.0f, "0"), std::pair(-1.5f, "-1.5")),
                         [](const auto& each) { return cat("N", each.index); });

// --- what does not run, by name

TEST(LlamaRefusal, NamesExperts) {
  LlamaFile model;
  model.set("llama.expert_count", uint32_t{8});
  expect_refused_key(model, Code::unsupported, "llama.expert_count", "8",
                     "0: mixtures of experts do not run");
}

TEST(LlamaRefusal, NamesRopeDimensionsBelowTheHeadDim) {
  LlamaFile model;
  model.set("llama.rope.dimension_count", uint32_t{8});
  expect_refused_key(model, Code::bad_value, "llama.rope.dimension_count", "8",
                     "16, all of head_dim, for llama");
}

class LlamaScaling : public testing::TestWithParam<const char*> {};
TEST_P(LlamaScaling, OfAnotherTypeIsUnsupported) {
  LlamaFile model;
  model.set("llama.rope.scaling.type", std::string_view(GetParam()));
  expect_refused_key(model, Code::unsupported, "llama.rope.scaling.type", cat('"', GetParam(), '"'),
                     "none or linear");
}
INSTANTIATE_TEST_SUITE_P(Type, LlamaScaling, testing::Values("yarn", "longrope", "llama3", "dynamic"),
                         [](const auto& each) { return std::string(each.param); });

TEST(LlamaRefusal, NamesTheOldKeyOfLinearScaling) {
  LlamaFile model;
  model.set("llama.rope.scale_linear", 4.0f);
  expect_refused_key(model, Code::unsupported, "llama.rope.scale_linear", "4",
                     "1, or rope.scaling.type and rope.scaling.factor");
  model.set("llama.rope.scale_linear", 1.0f);
  EXPECT_TRUE(accept(model.file()));
}

TEST(LlamaRefusal, NamesASlidingWindowShorterThanTheContext) {
  LlamaFile model;
  model.set("llama.attention.sliding_window", uint32_t{127});
  expect_refused_key(model, Code::unsupported, "llama.attention.sliding_window", "127",
                     "0, or at least context_length 128: sliding windows do not run");
  for (const uint32_t harmless : {0u, 128u, 4096u}) {
    model.set("llama.attention.sliding_window", harmless);
    EXPECT_TRUE(accept(model.file())) << harmless;
  }
}

}  // namespace
}  // namespace kigo::model
