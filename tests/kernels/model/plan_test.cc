// How much memory a model takes is known without a GPU, and slots of the workspace do not overlap.
#include "kernels/forward/plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/forward/half_weights.h"
#include "kernels/runtime/cublas.h"
#include "tests/kernels/model/loaded.h"

namespace kigo::kernels {
namespace {

struct Plan : testing::Test {
  model::Model file = test::open_model(test::golden_model("tiny-q4_k_m"));
  Options settled(const Options& options) const {
    const Result<Options> settled = settle(options, file.config);
    EXPECT_TRUE(settled) << settled.error().message();
    return *settled;
  }
  std::string refusal(const Options& options) const {
    const Result<Options> result = settle(options, file.config);
    return result ? "accepted" : result.error().message();
  }
};

TEST_F(Plan, ZerosBecomeTheModelsOwn) {
  const Options options = settled({});
  EXPECT_EQ(options.context, file.config.context);
  EXPECT_EQ(options.pages, pages_for(file.config.context));
  EXPECT_EQ(settled({.context = 40}).pages, 3);
  EXPECT_EQ(settled({.context = 40}).chunk, 40) << "no chunk is longer than the context";
  EXPECT_EQ(settled({.weights = WeightMode::half, .prefill = Prefill::precise}).prefill, Prefill::half);
}

TEST_F(Plan, RefusesWhatDoesNotFitTheModel) {
  const int64_t most = file.config.context;
  EXPECT_EQ(refusal({.context = most}), "accepted");
  EXPECT_EQ(
      refusal({.context = most + 1}),
      cat("context: ", most + 1, " positions, expected at most the model's ", most, " (invalid_request)"));
  EXPECT_EQ(refusal({.chunk = 0}), "chunk: 0, expected at least 1 (invalid_request)");
  EXPECT_EQ(refusal({.pages = -1}), "pages: -1, expected at least 0 (invalid_request)");
  file.config.head_dim = 48;
  EXPECT_EQ(refusal({}), "head_dim: 48, expected 32, 64, 80, 96 or 128 (unsupported)");
}

TEST_F(Plan, KvIsKeysAndValuesOfAllPagesInAllLayers) {
  const Options options = settled({.context = 100});  // 7 pages
  const int64_t values = file.config.layers * 2 * 7 * 16 * file.config.kv_heads * file.config.head_dim;
  EXPECT_EQ(plan_memory(file.config, file.weights, options)->kv_bytes, 2 * values);
  Options floating = options;
  floating.kv = Kv::floating;
  EXPECT_EQ(plan_memory(file.config, file.weights, floating)->kv_bytes, 4 * values);
}

TEST_F(Plan, TheWorkspaceIsWhatTheOptionsNeed) {
  const Options half = settled({});
  const Options precise = settled({.prefill = Prefill::precise});
  const WorkspacePlan half_plan = *plan_workspace(file.config, half);
  const WorkspacePlan precise_plan = *plan_workspace(file.config, precise);
  EXPECT_GT(half_plan.matrices.count, 0);
  EXPECT_GT(half_plan.operand.count, 0);
  EXPECT_EQ(half_plan.out.count, 0);
  EXPECT_EQ(precise_plan.matrices.count, 0);
  EXPECT_EQ(precise_plan.operand.count, 0);
  EXPECT_GT(precise_plan.out.count, 0);
  const auto workspace = [&](const Options& options) {
    return plan_memory(file.config, file.weights, options)->workspace_bytes;
  };
  const int64_t table = 4 * pages_for(file.config.context);
  EXPECT_EQ(workspace(half), half_plan.bytes + table + Cublas::kWorkspaceBytes);
  EXPECT_EQ(workspace(precise), precise_plan.bytes + table);
}

TEST_F(Plan, WeightsInHalfTakeTwoBytesEach) {
  int64_t bytes = 0;
  for (const gguf::Tensor* tensor : file.weights.all())
    bytes += static_cast<int64_t>(tensor->elements()) * (tensor->dims.size() == 2 ? 2 : 4);
  const int64_t planned = HalfWeights::bytes(file.config, file.weights);
  EXPECT_GE(planned, bytes);
  EXPECT_LE(planned, bytes + 256 * static_cast<int64_t>(file.weights.all().size()));
}

/// Every slot starts where the one before has ended or later, at a multiple of 256 bytes, and ends inside.
TEST_F(Plan, SlotsDoNotOverlap) {
  for (const Options& options : {Options{}, Options{.prefill = Prefill::precise}, Options{.chunk = 1},
                                 Options{.weights = WeightMode::half, .context = 33, .chunk = 7}}) {
    const WorkspacePlan plan = *plan_workspace(file.config, settled(options));
    std::vector<std::pair<int64_t, int64_t>> ranges;
    const auto add = [&]<class T>(const Slot<T>& slot) {
      EXPECT_EQ(slot.offset_bytes % 256, 0);
      if (slot.count > 0)
        ranges.emplace_back(slot.offset_bytes,
                            slot.offset_bytes + slot.count * static_cast<int64_t>(sizeof(T)));
    };
    add(plan.positions), add(plan.few_positions), add(plan.ids), add(plan.step), add(plan.x),
        add(plan.normed);
    add(plan.qkv), add(plan.mix), add(plan.gate_up), add(plan.out), add(plan.operand), add(plan.matrices);
    add(plan.attention), add(plan.tickets), add(plan.logits), add(plan.id), add(plan.choice),
        add(plan.choice_ticket);
    std::sort(ranges.begin(), ranges.end());
    for (size_t i = 1; i < ranges.size(); ++i) EXPECT_LE(ranges[i - 1].second, ranges[i].first);
    EXPECT_LE(ranges.back().second, plan.bytes);
    EXPECT_GE(plan.x.count, kFewestRows * file.config.width);
  }
}

}  // namespace
}  // namespace kigo::kernels
