// The stages of `kigo verify` about a GPU, over engines that are the reference with a mistake.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "core/base/cat.h"
#include "core/model/weights.h"
#include "tools/lib/goldens.h"
#include "tools/lib/stages.h"

namespace kigo::tools {
namespace {

/// Changes the logits of one call: the count of calls so far, the tokens of the call, the rows.
using Mistake = std::function<void(int64_t call, size_t tokens, model::Rows& rows)>;

class WrongSession final : public model::Session {
 public:
  /// `doubled`: a checkpoint of layer 1 that is handed out twice as large.
  WrongSession(const model::Model& model, reference::Cache cache, Mistake mistake,
               std::optional<model::Tap> doubled)
      : session_(model, cache), mistake_(std::move(mistake)), doubled_(doubled) {}

  Result<model::Rows> forward(std::span<const uint32_t> tokens, model::Logits which,
                              const model::TapSink& taps) override {
    const model::TapSink through = [&](model::Tap tap, int64_t layer, View<const double, 3> values) {
      if (tap != doubled_ || layer != 1) return taps(tap, layer, values);
      const auto [tokens_of, heads, width] = values.shape;
      std::vector<double> twice(values.data, values.data + tokens_of * heads * width);
      for (double& value : twice) value *= 2;
      taps(tap, layer, {twice.data(), values.shape});
    };
    KIGO_ASSIGN(model::Rows rows, session_.forward(tokens, which, taps ? through : taps));
    mistake_(calls_++, tokens.size(), rows);
    return rows;
  }
  int64_t length() const override { return session_.length(); }
  void reset() override { session_.reset(); }

 private:
  reference::Session session_;
  Mistake mistake_;
  std::optional<model::Tap> doubled_;
  int64_t calls_ = 0;
};

class WrongEngine final : public Engine {
 public:
  WrongEngine(const model::Model& model, Mistake mistake, std::optional<model::Tap> doubled)
      : session_(model, reference::Cache::Half, std::move(mistake), doubled),
        context_(model.config.context) {}
  const BackendInfo& info() const override { return info_; }
  const MemoryUse& memory() const override { return memory_; }
  int64_t context() const override { return context_; }
  model::Session& session() override { return session_; }
  std::string name() const override { return "wrong"; }
  std::string rounding() const override { return "double cache-half"; }
  reference::Cache twin_cache() const override { return reference::Cache::Half; }
  reference::Products twin_products() const override { return reference::Products::Plain; }

 private:
  WrongSession session_;
  int64_t context_;
  BackendInfo info_{.name = "wrong", .device_name = "none"};
  MemoryUse memory_;
};

/// The names of the stages that failed.
std::vector<std::string> failed_with(Mistake mistake, bool precise,
                                     std::optional<model::Tap> doubled = std::nullopt) {
  auto model = model::open(golden_folder() + "/tiny/tiny-f16.gguf");
  EXPECT_TRUE(model);
  WrongEngine engine(*model, std::move(mistake), doubled);
  VerificationOptions options;
  options.engine.precise_prefill = precise;
  const std::optional<GoldenLogits> none;
  const Stages stages = engine_stages({*model, nullptr, none, options, engine});
  EXPECT_TRUE(stages);
  std::vector<std::string> failed;
  for (const Stage& stage : *stages) {
    if (stage.verdict != Verdict::pass) failed.push_back(stage.name);
  }
  return failed;
}

using Names = std::vector<std::string>;

/// Noise of this size, as a share of the largest logit, on every other id.
void shake(model::Rows& rows, double size) {
  double largest = 0;
  for (const double value : rows.values) largest = std::max(largest, std::abs(value));
  for (size_t i = 0; i < rows.values.size(); i += 2) rows.values[i] += size * largest;
}

/// The best id changes places with the worst.
void swap_best(model::Rows& rows) {
  const auto [worst, best] = std::ranges::minmax_element(rows.values.end() - rows.width, rows.values.end());
  std::swap(*worst, *best);
}

TEST(EngineStages, PassForAnEngineThatIsTheReference) {
  EXPECT_EQ(failed_with([](int64_t, size_t, model::Rows&) {}, false), Names{});
  EXPECT_EQ(failed_with([](int64_t, size_t, model::Rows&) {}, true), Names{});
}

TEST(EngineStages, FindACheckpointThatItsStageDoesNotMake) {
  const Mistake none = [](int64_t, size_t, model::Rows&) {};
  for (const model::Tap tap : {model::Tap::attn_q_rope, model::Tap::cache_v, model::Tap::ffn_residual})
    EXPECT_EQ(failed_with(none, true, tap), Names{"gpu checkpoints"}) << name(tap);
}

TEST(EngineStages, FindNoiseInSteps) {
  const Mistake noisy = [](int64_t, size_t tokens, model::Rows& rows) {
    shake(rows, tokens == 1 ? 0.01 : 0);
  };
  EXPECT_EQ(failed_with(noisy, false), Names{"gpu logits"});
}

TEST(EngineStages, FindNoiseBehindPrompts) {
  const Mistake noisy = [](int64_t, size_t tokens, model::Rows& rows) { shake(rows, tokens > 1 ? 0.05 : 0); };
  EXPECT_EQ(failed_with(noisy, false), Names{"gpu logits"});
}

TEST(EngineStages, AllowPromptsOfHalfOperandsMoreNoiseThanPreciseOnes) {
  const Mistake noisy = [](int64_t, size_t tokens, model::Rows& rows) { shake(rows, tokens > 1 ? 5e-4 : 0); };
  EXPECT_EQ(failed_with(noisy, false), Names{});
  EXPECT_EQ(failed_with(noisy, true), Names{"gpu logits"});
}

TEST(EngineStages, FindAnIdThatAWideMarginForbids) {
  const Mistake swapped = [](int64_t, size_t tokens, model::Rows& rows) {
    if (tokens > 1) swap_best(rows);
  };
  EXPECT_EQ(failed_with(swapped, false), (Names{"gpu logits", "gpu greedy ids"}));
}

TEST(EngineStages, FindBitsThatDifferTheSecondTime) {
  const Mistake drifting = [](int64_t call, size_t, model::Rows& rows) {
    rows.values[0] *= 1 + 1e-15 * static_cast<double>(call);
  };
  EXPECT_EQ(failed_with(drifting, false), Names{"gpu repeat"});
}

TEST(EngineStages, FindBitsThatDependOnTheCutOfAPrecisePrompt) {
  const Mistake cut = [](int64_t, size_t tokens, model::Rows& rows) {
    rows.values[0] *= tokens == 8 ? 1 + 1e-15 : 1;
  };
  EXPECT_EQ(failed_with(cut, true), Names{"gpu repeat"});
  EXPECT_EQ(failed_with(cut, false), Names{}) << "no promise for half prompts";
}

}  // namespace
}  // namespace kigo::tools
