// The whole forward pass against logits and greedy continuations from outside: Transformers and llama.cpp.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/base/json.h"
#include "core/compare/golden.h"
#include "core/model/weights.h"
#include "reference/argmax.h"
#include "reference/model.h"

namespace kigo {
namespace {

using reference::Logits;
using reference::Rows;
using reference::Session;

const std::string kGolden = KIGO_SOURCE_DIR "/golden/";

struct Prompt {
  std::string name;
  std::vector<uint32_t> tokens, greedy;
  std::vector<double> margins;  // between the two largest logits at each greedy step
  int64_t first_row = 0;
};

std::vector<uint32_t> ids(const Json& list) {
  std::vector<uint32_t> out;
  for (const Json& id : *list.items()) out.push_back(static_cast<uint32_t>(*id.integer()));
  return out;
}

std::vector<Prompt> prompts_of(const Json& golden) {
  std::vector<Prompt> prompts;
  for (const Json& each : *golden.find("prompts")->items()) {
    Prompt prompt;
    prompt.name = *each.find("name")->string();
    prompt.tokens = ids(*each.find("tokens"));
    prompt.greedy = ids(*each.find("greedy"));
    for (const Json& margin : *each.find("greedy_margin")->items())
      prompt.margins.push_back(*margin.number());
    prompt.first_row = *each.find("rows")->items()->front().integer();
    prompts.push_back(std::move(prompt));
  }
  return prompts;
}

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
    const auto text = read_text_file(kGolden + "logits/" + GetParam() + ".json");
    ASSERT_TRUE(text) << text.error().message();
    auto parsed = Json::parse(*text, GetParam());
    ASSERT_TRUE(parsed) << parsed.error().message();
    golden_ = std::move(*parsed);
    auto model = model::open(kGolden + *golden_.find("model")->string());
    ASSERT_TRUE(model) << model.error().message();
    model_ = std::make_unique<model::Model>(std::move(*model));
    prompts_ = prompts_of(golden_);
    ASSERT_GE(prompts_.size(), 8u);
  }

  /// The largest difference from the oracle over all positions of all prompts, as a share of its largest
  /// logit.
  double distance_from(const char* oracle) {
    const auto file = compare::read_npy(kGolden + "logits/" + *golden_.find(oracle)->string());
    EXPECT_TRUE(file) << file.error().message();
    const std::vector<int64_t> shape = {positions(), model_->config.vocab};
    if (!file || file->shape != shape) {
      ADD_FAILURE() << oracle << ": not of shape " << list(std::span<const int64_t>(shape));
      return INFINITY;
    }
    const compare::Values want = file->values();
    double worst = 0, largest = 0;
    int64_t rows = 0;
    for (const Prompt& prompt : prompts_) {
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
    RecordProperty(oracle, cat(worst / largest));
    std::printf("[ distance ] %s from %s: %.3g of the largest logit\n", GetParam().c_str(), oracle,
                worst / largest);
    return worst / largest;
  }

  int64_t positions() const {
    int64_t count = 0;
    for (const Prompt& prompt : prompts_) count += static_cast<int64_t>(prompt.tokens.size());
    return count;
  }

  Rows logits_of(std::span<const uint32_t> tokens) {
    Session session(*model_);
    auto rows = session.forward(tokens, Logits::All);
    EXPECT_TRUE(rows) << rows.error().message();
    return rows ? std::move(*rows) : Rows();
  }

  /// Whether the ids of this step agree; a margin below the error seen decides nothing, and is told.
  void expect_same_id(const Prompt& prompt, size_t step, uint32_t got, double error) {
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
  double error_of_transformers() const {
    return 1e-5 * *golden_.find("distances")->find("largest_logit")->number();
  }

  Json golden_;
  std::unique_ptr<model::Model> model_;
  std::vector<Prompt> prompts_;
};
INSTANTIATE_TEST_SUITE_P(Models, GoldenLogits, testing::ValuesIn(golden_files()), [](const auto& each) {
  std::string name = each.param;
  std::ranges::replace_if(
      name, [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
});

TEST(GoldenFiles, HoldTheTinyModels) { EXPECT_GE(golden_files().size(), 10u); }

// Bounds of the contract of the goldens: float32 sums in Transformers, and in llama.cpp with a float32 cache.
TEST_P(GoldenLogits, AgreeWithTransformers) { EXPECT_LE(distance_from("transformers"), 1e-5); }
TEST_P(GoldenLogits, AgreeWithLlamaCpp) { EXPECT_LE(distance_from("llama_cpp_f32"), 2e-6); }

/// Transformers in float64: what is left is the rounding of its logits to float32, 2^-24 of each, and the
/// double sums on both sides, which are far below.
TEST_P(GoldenLogits, AgreeWithTransformersInDoubleToTheLastFloat) {
  EXPECT_LE(distance_from("transformers_f64"), 0x1p-24 * 1.01);
}

TEST_P(GoldenLogits, ChooseTheSameIdsAlongTheGivenContinuation) {
  for (const Prompt& prompt : prompts_) {
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
  for (const Prompt& prompt : prompts_) {
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
