// What the forward pass on the GPU promises besides its numbers: the same bits, the memory it said, errors
// that leave everything as it was.
#include <gtest/gtest.h>

#include <set>

#include "kernels/forward/plan.h"
#include "tests/kernels/fake_memory.h"
#include "tests/kernels/model/loaded.h"

namespace kigo::test {
namespace {

using kernels::Kv;
using kernels::Options;
using kernels::Overlap;
using kernels::Prefill;
using kernels::Purpose;
using kernels::Session;
using kernels::WeightMode;
using model::Logits;
using Numbers = std::vector<double>;
using Tokens = std::vector<uint32_t>;

const model::TapSink kIgnored = [](model::Tap, int64_t, View<const double, 3>) {};

struct GpuModel : testing::Test {
  void SetUp() override { KIGO_NEEDS_GPU(); }
  static Tokens prompt(const Loaded& gpu, int64_t count) { return some_tokens(count, gpu.file.config.vocab); }

  /// All logits of a prompt, cut into calls of these sizes.
  static Numbers in_calls(Session& session, std::span<const uint32_t> tokens,
                          const std::vector<size_t>& sizes, const model::TapSink& taps = {}) {
    Numbers all;
    session.reset();
    for (const size_t size : sizes) {
      const Numbers part = logits_of(session, tokens.first(size), Logits::All, taps);
      all.insert(all.end(), part.begin(), part.end());
      tokens = tokens.subspan(size);
    }
    EXPECT_TRUE(tokens.empty());
    return all;
  }
};

struct Mode {
  std::string name;
  Options options;
};
void PrintTo(const Mode& mode, std::ostream* out) { *out << mode.name; }

std::vector<Mode> modes() {
  std::vector<Mode> all;
  for (const Kv kv : {Kv::half, Kv::floating}) {
    const std::string suffix = kv == Kv::half ? "_kv_half" : "_kv_float";
    all.push_back({"half_prefill" + suffix, {.kv = kv}});
    all.push_back({"precise_prefill" + suffix, {.kv = kv, .prefill = Prefill::precise}});
    all.push_back({"half_weights" + suffix, {.kv = kv, .weights = WeightMode::half}});
  }
  return all;
}
struct GpuModelIn : GpuModel, testing::WithParamInterface<Mode> {};
INSTANTIATE_TEST_SUITE_P(Modes, GpuModelIn, testing::ValuesIn(modes()),
                         [](const auto& mode) { return mode.param.name; });

TEST_P(GpuModelIn, GivesTheSameBitsTwiceWithCheckpointsAndWithout) {
  Loaded gpu(golden_model("tiny-q4_k_m"), GetParam().options);
  const Tokens tokens = prompt(gpu, 40);
  const Numbers first = in_calls(*gpu.session, tokens, {23, 17});
  EXPECT_EQ(in_calls(*gpu.session, tokens, {23, 17}), first);
  EXPECT_EQ(in_calls(*gpu.session, tokens, {23, 17}, kIgnored), first);
  const std::unique_ptr<Session> other = gpu.new_session();
  gpu.session->reset();
  EXPECT_EQ(in_calls(*other, tokens, {23, 17}), first);
}

TEST_P(GpuModelIn, DecodesTheSameBitsByGraphByLaunchesAndWithCheckpoints) {
  Loaded gpu(golden_model("tiny-q4_k_m"), GetParam().options);
  const Tokens tokens = prompt(gpu, 40);
  const Numbers first =
      decoded_logits(*gpu.session, tokens);  // the first step is launched, the others are a graph
  gpu.session->reset();
  EXPECT_EQ(decoded_logits(*gpu.session, tokens), first);
  gpu.session->reset();
  Numbers stepwise = {};
  ASSERT_TRUE(gpu.session->decode(tokens[0]));
  Numbers row = gpu.session->last_logits()->values;
  for (size_t i = 1;; ++i) {
    stepwise.insert(stepwise.end(), row.begin(), row.end());
    if (i == tokens.size()) break;
    row = logits_of(*gpu.session, std::span(tokens).subspan(i, 1), Logits::Last,
                    i % 2 == 0 ? kIgnored : nullptr);
  }
  EXPECT_EQ(stepwise, first);
}

TEST_P(GpuModelIn, OverlapChangesNoBit) {
  Options without = GetParam().options;
  without.overlap = Overlap::none;
  Loaded gpu(golden_model("tiny-q4_k_m"), GetParam().options);
  Loaded plain(golden_model("tiny-q4_k_m"), without);
  const Tokens tokens = prompt(gpu, 40);
  EXPECT_EQ(decoded_logits(*gpu.session, tokens), decoded_logits(*plain.session, tokens));
}

// Its output matrix has a bias, which is added by a launch that does not overlap between two that do.
TEST_P(GpuModelIn, OverlapChangesNoBitOfALlamaWithBiases) {
  Options without = GetParam().options;
  without.overlap = Overlap::none;
  Loaded gpu(golden_model("llama-q6_k"), GetParam().options);
  Loaded plain(golden_model("llama-q6_k"), without);
  const Tokens tokens = prompt(gpu, 40);
  EXPECT_EQ(decoded_logits(*gpu.session, tokens), decoded_logits(*plain.session, tokens));
}

TEST_P(GpuModelIn, StartsAgainAfterAResetAndGivesItsPagesBack) {
  Loaded gpu(golden_model("tiny-q4_k_m"), GetParam().options);
  const Tokens tokens = prompt(gpu, 40);
  const Numbers first = in_calls(*gpu.session, tokens, {40});
  EXPECT_EQ(gpu.session->pages(), 3);
  EXPECT_EQ(gpu.session->length(), 40);
  gpu.session->reset();
  EXPECT_EQ(gpu.session->pages(), 0);
  EXPECT_EQ(gpu.session->length(), 0);
  EXPECT_EQ(in_calls(*gpu.session, tokens, {40}), first);
}

TEST_P(GpuModelIn, KeepsTwoSessionsApart) {
  Loaded gpu(golden_model("tiny-q4_k_m"), GetParam().options);
  const std::unique_ptr<Session> other = gpu.new_session();
  const Tokens tokens = prompt(gpu, 44);
  Tokens reversed(tokens.rbegin(), tokens.rend());
  reversed.resize(20);
  const Numbers alone = decoded_logits(*gpu.session, tokens);
  gpu.session->reset();
  Numbers beside;
  for (size_t i = 0; i < tokens.size(); ++i) {  // pages of the two alternate in the pool
    const Numbers row = decoded_logits(*gpu.session, std::span(tokens).subspan(i, 1));
    beside.insert(beside.end(), row.begin(), row.end());
    if (i < reversed.size()) decoded_logits(*other, std::span(reversed).subspan(i, 1));
  }
  EXPECT_EQ(beside, alone);
}

TEST_F(GpuModel, PrecisePrefillGivesTheSameBitsForEveryChunking) {
  const Options precise{.prefill = Prefill::precise};
  Loaded gpu(golden_model("tiny-q4_k_m"), precise);
  const Tokens tokens = prompt(gpu, 70);
  const Numbers whole = in_calls(*gpu.session, tokens, {70});
  EXPECT_EQ(in_calls(*gpu.session, tokens, {1, 69}), whole);
  EXPECT_EQ(in_calls(*gpu.session, tokens, {33, 7, 1, 29}), whole);
  EXPECT_EQ(in_calls(*gpu.session, tokens, std::vector<size_t>(70, 1)), whole);
  for (const int64_t chunk : {1, 7, 8, 9, 16, 64}) {
    Options cut = precise;
    cut.chunk = chunk;
    Loaded other(golden_model("tiny-q4_k_m"), cut);
    EXPECT_EQ(in_calls(*other.session, tokens, {70}), whole) << "chunks of " << chunk;
  }
  gpu.session->reset();
  const Numbers last = logits_of(*gpu.session, tokens, Logits::Last);
  EXPECT_EQ(last, Numbers(whole.end() - static_cast<std::ptrdiff_t>(last.size()), whole.end()));
}

TEST_F(GpuModel, ForwardWithOneTokenBehindOthersIsADecodeStep) {
  Loaded gpu(golden_model("tiny-q4_k_m"), {});
  const Tokens tokens = prompt(gpu, 12);
  logits_of(*gpu.session, std::span(tokens).first(11), Logits::Last);
  const Numbers by_forward = logits_of(*gpu.session, std::span(tokens).last(1), Logits::Last);
  gpu.session->reset();
  logits_of(*gpu.session, std::span(tokens).first(11), Logits::Last);
  EXPECT_EQ(decoded_logits(*gpu.session, std::span(tokens).last(1)), by_forward);
}

TEST_F(GpuModel, AStepIsFiveLaunchesALayerAndFourBeside) {
  Loaded gpu(golden_model("haiku"), {});
  const Result<int64_t> nodes = gpu.session->step_nodes();
  ASSERT_TRUE(nodes) << nodes.error().message();
  // Input to the device, embedding, five a layer, head, choice to the host.
  EXPECT_EQ(*nodes, 5 * gpu.file.config.layers + 4);
}

TEST_F(GpuModel, AStepOfALlamaWithABiasBehindAttentionIsSixLaunchesALayer) {
  Loaded gpu(golden_model("llama-q6_k"), {});
  const Result<int64_t> nodes = gpu.session->step_nodes();
  ASSERT_TRUE(nodes) << nodes.error().message();
  EXPECT_EQ(*nodes, 6 * gpu.file.config.layers + 4);
}

TEST_P(GpuModelIn, TheTrackerShowsWhatWasPlanned) {
  Loaded gpu(golden_model("haiku"), GetParam().options);
  const kernels::MemoryPlan& plan = gpu.model->memory();
  kernels::Vram& vram = gpu.context.vram();
  EXPECT_EQ(vram.bytes(Purpose::weights), plan.weights_bytes);
  EXPECT_EQ(vram.bytes(Purpose::kv), plan.kv_bytes);
  constexpr int64_t kEcho = 8;  // the context's health check
  EXPECT_EQ(vram.bytes(Purpose::workspace), plan.workspace_bytes + kEcho);
  EXPECT_EQ(vram.total_bytes(), plan.total_bytes() + kEcho);
  const int64_t before = vram.total_bytes();
  const Tokens tokens = prompt(gpu, 100);
  logits_of(*gpu.session, tokens, Logits::Last);
  decoded_logits(*gpu.session, std::span(tokens).first(4));
  EXPECT_EQ(vram.total_bytes(), before) << "nothing is allocated in the middle of a request";
  EXPECT_LE(vram.peak_bytes(), plan.total_bytes() + plan.loading_bytes + kEcho);
  EXPECT_TRUE(vram.check_residency());
}

TEST_P(GpuModelIn, TheWeightsAreTheFiles) {
  Loaded gpu(golden_model("tiny-q4_k_m"), GetParam().options);
  const Status good = gpu.model->check_weights(gpu.file.weights);
  EXPECT_TRUE(good) << good.error().message();
}

TEST_F(GpuModel, ADecodeStepAllocatesNothing) {
  const auto log = std::make_shared<AllocationLog>();
  Loaded gpu(golden_model("haiku"), {}, counted(kernels::cuda_memory(), log));
  const Tokens tokens = prompt(gpu, 40);
  decoded_logits(*gpu.session,
                 std::span(tokens).first(2));  // CUDA loads on first use, and the graph is captured
  const int64_t calls = log->calls;
  // What is free may change by other programs on the same GPU at any time; an allocation of a step would show
  // at every step.
  bool kept = false;
  for (size_t at = 2; at < tokens.size() && !kept; ++at) {
    const int64_t free_before = *gpu.context.free_bytes();
    decoded_logits(*gpu.session, std::span(tokens).subspan(at, 1));
    kept = *gpu.context.free_bytes() == free_before;
  }
  EXPECT_TRUE(kept) << "less memory is free after every step";
  decoded_logits(*gpu.session, std::span(tokens).first(20));
  EXPECT_EQ(log->calls, calls);
}

// Refusals: a message in full, and a session that goes on as if the call had never been.
struct GpuRefusal : GpuModel {
  void SetUp() override {
    KIGO_NEEDS_GPU();
    gpu.emplace(golden_model("tiny-q4_k_m"), Options{.prefill = Prefill::precise, .context = 64});
    tokens = prompt(*gpu, 40);
    whole = in_calls(*gpu->session, tokens, {40});
    gpu->session->reset();
    logits_of(*gpu->session, std::span(tokens).first(5), Logits::All);
    held = gpu->context.vram().total_bytes();
  }
  void expect_untouched() {
    EXPECT_EQ(gpu->session->length(), 5);
    EXPECT_EQ(gpu->session->pages(), 1);
    EXPECT_EQ(gpu->context.vram().total_bytes(), held);
    const Numbers rest = logits_of(*gpu->session, std::span(tokens).subspan(5), Logits::All);
    EXPECT_EQ(rest, Numbers(whole.end() - static_cast<std::ptrdiff_t>(rest.size()), whole.end()));
  }
  std::string refusal(const Tokens& more) {
    const Result<model::Rows> rows = gpu->session->forward(more, Logits::Last);
    return rows ? "accepted" : rows.error().message();
  }
  std::optional<Loaded> gpu;
  Tokens tokens;
  Numbers whole;
  int64_t held = 0;
};

TEST_F(GpuRefusal, NamesAPromptBeyondTheContext) {
  EXPECT_EQ(refusal(Tokens(60, 1)),
            "prompt: 60 tokens after 5 positions, expected at most 59 (context_overflow)");
  expect_untouched();
}
TEST_F(GpuRefusal, NamesAnIdBeyondTheVocabulary) {
  const auto vocab = static_cast<uint32_t>(gpu->file.config.vocab);
  EXPECT_EQ(refusal({1, 2, vocab}),
            cat("token 2: id ", vocab, ", expected an id below ", vocab, " (invalid_request)"));
  const Result<uint32_t> step = gpu->session->decode(vocab);
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().code, Code::invalid_request);
  expect_untouched();
}
TEST_F(GpuRefusal, NamesAnEmptyPrompt) {
  EXPECT_EQ(refusal({}), "prompt: no tokens, expected at least 1 (invalid_request)");
  expect_untouched();
}
TEST_F(GpuRefusal, AFullContextRefusesAStep) {
  ASSERT_EQ(refusal(Tokens(59, 1)), "accepted");
  const Result<uint32_t> step = gpu->session->decode(1);
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().message(),
            "prompt: 1 tokens after 64 positions, expected at most 0 (context_overflow)");
  gpu->session->reset();
  EXPECT_EQ(in_calls(*gpu->session, tokens, {40}), whole);
}
TEST_F(GpuRefusal, AnEmptyPoolNamesThePagesAndRecovers) {
  const std::unique_ptr<Session> other = gpu->new_session();
  logits_of(*other, Tokens(40, 1), Logits::Last);  // 3 of the 4 pages; the other session has one
  EXPECT_EQ(refusal(Tokens(30, 1)),
            "kv pages: 0 of 4 pages available, expected 2 more required for 35 positions (out_of_memory)");
  EXPECT_EQ(gpu->session->pages(), 1);
  EXPECT_EQ(gpu->session->length(), 5);
  other->reset();
  const Numbers rest = logits_of(*gpu->session, std::span(tokens).subspan(5), Logits::All);
  EXPECT_EQ(rest, Numbers(whole.end() - static_cast<std::ptrdiff_t>(rest.size()), whole.end()));
}

TEST_F(GpuModel, NoRoomForCheckpointsFailsTheCallOnly) {
  const auto log = std::make_shared<AllocationLog>();
  Loaded gpu(golden_model("tiny-q4_k_m"), {.prefill = Prefill::precise},
             counted(kernels::cuda_memory(), log));
  const Tokens tokens = prompt(gpu, 20);
  const Numbers whole = in_calls(*gpu.session, tokens, {20});
  gpu.session->reset();
  const int64_t living = log->living;
  log->fail_at = log->calls;
  const Result<model::Rows> refused = gpu.session->forward(tokens, Logits::All, kIgnored);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::out_of_memory) << refused.error().message();
  EXPECT_EQ(log->living, living);
  EXPECT_EQ(gpu.session->length(), 0);
  EXPECT_EQ(gpu.session->pages(), 0);
  EXPECT_EQ(in_calls(*gpu.session, tokens, {20}, kIgnored), whole);
}

TEST_F(GpuModel, WhicheverAllocationFailsLoadingLeavesNothingBehind) {
  const model::Model file = open_model(golden_model("tiny-q4_k_m"));
  const auto log = std::make_shared<AllocationLog>();
  kernels::Context context = make_context(counted(kernels::cuda_memory(), log));
  const int64_t living = log->living;
  for (const WeightMode weights : {WeightMode::quantised, WeightMode::half}) {
    for (int64_t n = 0;; ++n) {
      log->fail_at = log->calls + n;
      const auto model = kernels::Model::load(context, file, {.weights = weights});
      const auto session = model ? Session::create(**model) : Result<std::unique_ptr<Session>>(nullptr);
      const bool worked = model.has_value() && session.has_value();
      if (worked) {
        log->fail_at = -1;
        EXPECT_GT(n, 5) << "fewer allocations than a model has parts";
        EXPECT_FALSE(logits_of(**session, some_tokens(9, file.config.vocab), Logits::Last).empty());
        break;
      }
      const Error& error = model ? session.error() : model.error();
      EXPECT_EQ(error.code, Code::out_of_memory) << n << ": " << error.message();
      ASSERT_LT(n, 100);
    }
    EXPECT_EQ(log->living, living);
    EXPECT_TRUE(context.health());
  }
}

TEST_F(GpuModel, TooLittleMemoryIsFoundOutBeforeAnythingIsLoaded) {
  const model::Model file = open_model(golden_model("tiny-q4_k_m"));
  const auto log = std::make_shared<AllocationLog>();
  kernels::MemorySource memory = counted(kernels::cuda_memory(), log);
  memory.available_bytes = [] { return Result<int64_t>(1'000'000); };
  kernels::Context context = make_context(std::move(memory));
  const int64_t calls = log->calls;
  const auto model = kernels::Model::load(context, file, {});
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, Code::out_of_memory);
  const std::string message = model.error().message();
  for (const char* part : {"1,000,000 bytes available", "bytes required", "weights", "kv", "workspace"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
  EXPECT_EQ(log->calls, calls);
}

}  // namespace
}  // namespace kigo::test
