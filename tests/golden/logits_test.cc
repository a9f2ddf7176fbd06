// The whole forward pass against logits and greedy continuations from outside: Transformers and llama.cpp.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/base/cat.h"
#include "core/base/sha256.h"
#include "core/compare/golden.h"
#include "core/model/weights.h"
#include "reference/argmax.h"
#include "reference/model.h"
#include "tools/lib/goldens.h"

namespace kigo {
namespace {

using reference::Logits;
using reference::Rows;
using reference::Session;

const std::string kGolden = KIGO_SOURCE_DIR "/golden/";

using tools::GoldenPrompt;

uint32_t best_of(const Rows& logits, int64_t row) {
  uint32_t id = 0;
  const View<const double, 2> one(logits.view().data + row * logits.width, {1, logits.width});
  EXPECT_TRUE(reference::argmax<double>({.x = one, .ids = {&id, {1}}}));
  return id;
}

std::vector<std::string> golden_files() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kGolden + "logits")) {
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

class GoldenLogits : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto golden = tools::read_golden_logits(kGolden + "logits/" + GetParam() + ".json");
    ASSERT_TRUE(golden) << golden.error().message();
    golden_ = std::move(*golden);
    auto model = model::open(kGolden + golden_.model);
    ASSERT_TRUE(model) << model.error().message();
    model_ = std::make_unique<model::Model>(std::move(*model));
    ASSERT_EQ(golden_.sha256, sha256(model_->source.map.bytes()));
    ASSERT_GE(golden_.prompts.size(), 8u);
  }

  /// The largest difference from the oracle over all positions of all prompts, as a share of its largest
  /// logit.
  double distance_from(const std::string& oracle) {
    const auto file = compare::read_npy(oracle);
    EXPECT_TRUE(file) << file.error().message();
    const std::vector<int64_t> shape = {positions(), model_->config.vocab};
    if (!file || file->shape != shape) {
      ADD_FAILURE() << oracle << ": not of shape " << list(std::span<const int64_t>(shape));
      return INFINITY;
    }
    const compare::Values want = file->values();
    double worst = 0, largest = 0;
    int64_t rows = 0;
    for (const GoldenPrompt& prompt : golden_.prompts) {
      EXPECT_EQ(prompt.first_row, rows) << prompt.name;
      const Rows got = logits_of(prompt.tokens);
      for (int64_t t = 0; t < got.rows; ++t, ++rows) {
        for (int64_t i = 0; i < got.width; ++i) {
          const double wanted = want[static_cast<size_t>(rows * got.width + i)];
          const double difference = std::abs(got.view()(t, i) - wanted);
          if (!std::isfinite(difference)) return INFINITY;
          worst = std::max(worst, difference);
          largest = std::max(largest, std::abs(wanted));
        }
      }
    }
    const std::string name = std::filesystem::path(oracle).filename();
    RecordProperty(name, cat(worst / largest));
    std::printf("[ distance ] from %s: %.3g of the largest logit\n", name.c_str(), worst / largest);
    return worst / largest;
  }

  int64_t positions() const {
    int64_t count = 0;
    for (const GoldenPrompt& prompt : golden_.prompts) count += static_cast<int64_t>(prompt.tokens.size());
    return count;
  }

  Rows logits_of(std::span<const uint32_t> tokens) {
    Session session(*model_);
    auto rows = session.forward(tokens, Logits::All);
    EXPECT_TRUE(rows) << rows.error().message();
    return rows ? std::move(*rows) : Rows();
  }

  /// Whether the ids of this step agree; a margin below the error seen decides nothing, and is told.
  void expect_same_id(const GoldenPrompt& prompt, size_t step, uint32_t got, double error) {
    if (got == prompt.greedy[step]) return;
    if (prompt.margins[step] <= 2 * error) {
      std::printf("[ too near ] %s, step %zu: margin %g, error %g\n", prompt.name.c_str(), step,
                  prompt.margins[step], error);
      return;
    }
    ADD_FAILURE() << prompt.name << ", step " << step << ": id " << got << ", expected "
                  << prompt.greedy[step] << ", margin " << prompt.margins[step];
  }

  /// How far the logits behind the recorded ids may be off: the bound held above.
  double error_of_transformers() const { return 1e-5 * golden_.largest_logit; }

  tools::GoldenLogits golden_;
  std::unique_ptr<model::Model> model_;
};
INSTANTIATE_TEST_SUITE_P(Models, GoldenLogits, testing::ValuesIn(golden_files()), [](const auto& each) {
  std::string name = each.param;
  std::ranges::replace_if(
      name, [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
});

TEST(GoldenFiles, HoldTheTinyModels) { EXPECT_GE(golden_files().size(), 10u); }

// Bounds of the contract of the goldens: float32 sums in Transformers, and in llama.cpp with a float32 cache.
TEST_P(GoldenLogits, AgreeWithTransformers) { EXPECT_LE(distance_from(golden_.transformers), 1e-5); }
TEST_P(GoldenLogits, AgreeWithLlamaCpp) { EXPECT_LE(distance_from(golden_.llama_cpp), 2e-6); }

/// Transformers in float64: what is left is the rounding of its logits to float32, 2^-24 of each, and the
/// double sums on both sides, which are far below.
TEST_P(GoldenLogits, AgreeWithTransformersInDoubleToTheLastFloat) {
  EXPECT_LE(distance_from(golden_.transformers_f64), 0x1p-24 * 1.01);
}

TEST_P(GoldenLogits, ChooseTheSameIdsAlongTheGivenContinuation) {
  for (const GoldenPrompt& prompt : golden_.prompts) {
    ASSERT_EQ(prompt.greedy.size(), 64u);
    std::vector<uint32_t> tokens = prompt.tokens;
    tokens.insert(tokens.end(), prompt.greedy.begin(), prompt.greedy.end() - 1);
    const Rows logits = logits_of(tokens);
    for (size_t step = 0; step < prompt.greedy.size(); ++step) {
      const auto row = static_cast<int64_t>(prompt.tokens.size() - 1 + step);
      expect_same_id(prompt, step, best_of(logits, row), error_of_transformers());
    }
  }
}

TEST_P(GoldenLogits, ContinueInTheSameWayOnTheirOwn) {
  for (const GoldenPrompt& prompt : golden_.prompts) {
    Session session(*model_);
    std::vector<uint32_t> next = prompt.tokens;
    for (size_t step = 0; step < prompt.greedy.size(); ++step) {
      const auto logits = session.forward(next, Logits::Last);
      ASSERT_TRUE(logits) << logits.error().message();
      next = {best_of(*logits, 0)};
      expect_same_id(prompt, step, next[0], error_of_transformers());
      if (next[0] != prompt.greedy[step]) break;  // from here on it is another text
    }
  }
}

}  // namespace
}  // namespace kigo
