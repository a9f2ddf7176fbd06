// Stage by stage on the GPU, in every mode, for prompts and for steps behind them.
#include "tests/kernels/model/stages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "tests/kernels/model/loaded.h"

namespace kigo::test {
namespace {

using kernels::Kv;
using kernels::Options;
using kernels::Prefill;
using kernels::WeightMode;
using model::Logits;
using tools::Checkpoints;
using tools::Products;

struct StagesCase {
  std::string model;
  Options options;
  std::string mode;
};
void PrintTo(const StagesCase& c, std::ostream* out) { *out << c.model << ", " << c.mode; }

std::vector<StagesCase> stages_cases() {
  std::vector<StagesCase> all;
  for (const std::string& model : kGoldenModels) {
    for (const Kv kv : {Kv::half, Kv::floating}) {
      const std::string suffix = kv == Kv::half ? "kv_half" : "kv_float";
      all.push_back({model, {.kv = kv}, "half_prefill_" + suffix});
      all.push_back({model, {.kv = kv, .prefill = Prefill::precise}, "precise_prefill_" + suffix});
      all.push_back({model, {.kv = kv, .weights = WeightMode::half}, "half_weights_" + suffix});
    }
  }
  return all;
}
std::string stages_case_name(const testing::TestParamInfo<StagesCase>& info) {
  std::string name = info.param.model + "_" + info.param.mode;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

Products prefill_products(const Options& options) {
  if (options.weights == WeightMode::half) return Products::half_weights;
  return options.prefill == Prefill::half ? Products::half : Products::tiles;
}
Products step_products(const Options& options) {
  return options.weights == WeightMode::half ? Products::half_weights : Products::rows;
}

/// Of a call: a prompt in half, over a cache in half. A step's attention is in float.
ops::Operands attention_operands(const Options& settled, size_t tokens, Logits which) {
  const bool step = tokens == 1 && which == Logits::Last;
  const bool halves = !step && settled.prefill == Prefill::half && settled.kv == Kv::half;
  return halves ? ops::Operands::half : ops::Operands::full;
}

std::vector<int64_t> all_layers(const model::Config& config) {
  std::vector<int64_t> layers(static_cast<size_t>(config.layers));
  std::iota(layers.begin(), layers.end(), int64_t{0});
  return layers;
}

/// A call of forward with all its checkpoints, then the comparison of each. `before`: what the call before
/// left, and then what this one leaves.
void expect_call(Loaded& gpu, const std::vector<uint32_t>& tokens, Logits which, Products products,
                 std::span<const int64_t> layers, std::unique_ptr<Checkpoints>& before) {
  auto checkpoints = std::make_unique<Checkpoints>();
  Checkpoints& got = *checkpoints;
  const int64_t first = gpu.session->length();
  ASSERT_FALSE(logits_of(*gpu.session, tokens, which, got.sink()).empty());
  const Options& settled = gpu.model->options();
  const int64_t compared =
      expect_stages({.file = &gpu.file,
                     .got = &got,
                     .before = before.get(),
                     .tokens = tokens,
                     .first = first,
                     .how = {.products = products,
                             .cache_half = settled.kv == Kv::half,
                             .attention = attention_operands(settled, tokens.size(), which)}},
                    layers);
  EXPECT_GE(compared, static_cast<int64_t>(8 * layers.size() + 2)) << "too few checkpoints";
  before = std::move(checkpoints);
}

struct GpuStages : testing::TestWithParam<StagesCase> {
  void SetUp() override { KIGO_NEEDS_GPU(); }
};
INSTANTIATE_TEST_SUITE_P(Models, GpuStages, testing::ValuesIn(stages_cases()), stages_case_name);

TEST_P(GpuStages, OfAPromptInTwoCallsAndStepsBehindIt) {
  Loaded gpu(golden_model(GetParam().model), GetParam().options);
  const std::vector<uint32_t> tokens = some_tokens(45, gpu.file.config.vocab);
  const std::vector<int64_t> layers = all_layers(gpu.file.config);
  const Products products = prefill_products(GetParam().options);
  std::unique_ptr<Checkpoints> before;
  const auto part = [&](size_t from, size_t count) {
    return std::vector<uint32_t>(tokens.begin() + static_cast<std::ptrdiff_t>(from),
                                 tokens.begin() + static_cast<std::ptrdiff_t>(from + count));
  };
  expect_call(gpu, part(0, 21), Logits::All, products, layers, before);
  expect_call(gpu, part(21, 5), Logits::All, products, layers, before);  // a short chunk behind others
  expect_call(gpu, part(26, 17), Logits::Last, products, layers, before);
  for (size_t i = 43; i < 45; ++i)
    expect_call(gpu, part(i, 1), Logits::Last, step_products(GetParam().options), layers, before);
}

// Small enough for the sanitizers.
struct GpuSmall : testing::Test {
  void SetUp() override { KIGO_NEEDS_GPU(); }
};
TEST_F(GpuSmall, PromptAndStepsInEveryMode) {
  for (const Options& options : {Options{.context = 64, .chunk = 8},
                                 Options{.kv = Kv::floating, .prefill = Prefill::precise, .context = 64}}) {
    Loaded gpu(golden_model("tiny-q4_k_m"), options);
    const std::vector<uint32_t> tokens = some_tokens(19, gpu.file.config.vocab);
    EXPECT_FALSE(logits_of(*gpu.session, tokens, Logits::All).empty());
    EXPECT_FALSE(decoded_logits(*gpu.session, std::span(tokens).first(3)).empty());
    EXPECT_EQ(gpu.session->length(), 22);
  }
}

struct GpuLargeStages : testing::Test {
  void SetUp() override { KIGO_NEEDS_GPU(); }
};

TEST_F(GpuLargeStages, StagesOfTheHalfBillionShape) {
  const SeededFile file("qwen2.5-0.5b", "q4_k_m");
  for (const Prefill prefill : {Prefill::half, Prefill::precise}) {
    Loaded gpu(file.path(), {.prefill = prefill, .context = 1024});
    const std::vector<uint32_t> tokens = some_tokens(18, gpu.file.config.vocab);
    const std::vector<int64_t> layers = {0, 11, 23};
    std::unique_ptr<Checkpoints> before;
    expect_call(gpu, tokens, Logits::Last, prefill == Prefill::half ? Products::half : Products::tiles,
                layers, before);
    expect_call(gpu, {4711}, Logits::Last, Products::rows, layers, before);
  }
}

TEST_F(GpuLargeStages, StagesOfSelectedLayersOfTheSevenBillionShape) {
  const SeededFile file("qwen2.5-7b", "q4_k_m");
  Loaded gpu(file.path(), {.context = 1024});
  const std::vector<int64_t> layers = {0, 13, 27};
  std::unique_ptr<Checkpoints> before;
  expect_call(gpu, some_tokens(3, gpu.file.config.vocab), Logits::Last, Products::half, layers, before);
  expect_call(gpu, {4711}, Logits::Last, Products::rows, layers, before);
}

TEST_F(GpuLargeStages, StagesOfSelectedLayersOfTheEightBillionLlamaShape) {
  const SeededFile file("llama-3-8b", "q4_k_m");
  const std::vector<int64_t> layers = {0, 15, 31};
  for (const Prefill prefill : {Prefill::half, Prefill::precise}) {
    Loaded gpu(file.path(), {.prefill = prefill, .context = 1024});
    std::unique_ptr<Checkpoints> before;
    expect_call(gpu, some_tokens(32, gpu.file.config.vocab), Logits::Last,
                prefill == Prefill::half ? Products::half : Products::tiles, layers, before);
    expect_call(gpu, {4711}, Logits::Last, Products::rows, layers, before);
  }
}

}  // namespace
}  // namespace kigo::test
