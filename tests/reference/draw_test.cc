#include "reference/draw.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "core/sample/philox.h"
#include "core/sample/sampler.h"
#include "reference/min_p.h"
#include "reference/repetition_penalty.h"
#include "reference/temperature.h"
#include "reference/top_k.h"
#include "reference/top_p.h"
#include "tests/reference/support.h"

namespace kigo {
namespace {

using test::Grid;

std::vector<uint32_t> drawn(Grid<double> x, const std::vector<double>& u) {
  std::vector<uint32_t> ids(u.size(), 4711);
  const Status status = reference::draw({.x = x.view(),
                                         .u = test::row_view(u),
                                         .ids = {ids.data(), {static_cast<int64_t>(u.size())}},
                                         .workspace = {}});
  EXPECT_TRUE(status) << test::message(status);
  return ids;
}

TEST(Draw, TakesLogitsFarBeyondTheRangeOfExpWhereverTheHighestStands) {
  for (int64_t highest = 0; highest < 3; ++highest) {
    Grid<double> row(1, 3, {0, 0, 0});
    row(0, highest) = 5000;
    for (const double u : {0.0, 0.5, 0.999}) EXPECT_EQ(drawn(row, {u})[0], highest);
  }
}

TEST(Draw, WorkedExample) {
  // Weights 1/2, 1, 0, 1/2: running sums 0.5, 1.5, 1.5, 2. u = 0.2 means 0.4, u = 0.25 exactly 0.5, u = 0.75
  // exactly 1.5, which only the last is above.
  const double half = std::log(0.5);
  const Grid<double> row(1, 4, {half, 0, -INFINITY, half});
  EXPECT_EQ(drawn(row, {0.2})[0], 0u);
  EXPECT_EQ(drawn(row, {0.25})[0], 1u);
  EXPECT_EQ(drawn(row, {0.75})[0], 3u);
}
TEST(Draw, NeverTakesAnIdWithoutWeight) {
  EXPECT_EQ(drawn({1, 3, {-INFINITY, 0, -INFINITY}}, {0}), (std::vector<uint32_t>{1}));
  EXPECT_EQ(drawn({1, 3, {-INFINITY, 0, -INFINITY}}, {1 - 0x1p-53}), (std::vector<uint32_t>{1}));
}
TEST(Draw, DrawsEachRowWithItsOwnNumber) {
  EXPECT_EQ(drawn({2, 2, {0, 0, /**/ 0, 0}, 3}, {0.9, 0.1}), (std::vector<uint32_t>{1, 0}));
}
TEST(Draw, NamesANumberThatIsNotBelowOne) {
  Grid<double> x(1, 1, {0});
  std::vector<uint32_t> id(1);
  const std::vector<double> u = {1};
  EXPECT_EQ(test::message(reference::draw(
                {.x = x.view(), .u = test::row_view(u), .ids = {id.data(), {1}}, .workspace = {}})),
            "draw.u: 1, expected 0 to 0.9999999999999999 (unsupported)");
}

/// All six in a row, as docs/worker.md orders them.
uint32_t sampled(const std::vector<float>& logits, const sample::Params& params,
                 const std::vector<uint32_t>& history, uint64_t token_index) {
  const auto vocab = static_cast<int64_t>(logits.size());
  Grid<double> x(1, vocab);
  const auto expect = [](const Status& status) { EXPECT_TRUE(status) << test::message(status); };
  expect(reference::temperature(
      {.x = {logits.data(), {1, vocab}}, .y = x.view(), .temperature = params.temperature}));
  expect(reference::repetition_penalty({.x = x.view(),
                                        .history = test::row_view(history),
                                        .y = x.view(),
                                        .penalty = params.repetition_penalty}));
  expect(reference::top_k({.x = x.view(), .y = x.view(), .workspace = {}, .k = params.top_k}));
  expect(reference::top_p({.x = x.view(), .y = x.view(), .workspace = {}, .p = params.top_p}));
  expect(reference::min_p({.x = x.view(), .y = x.view(), .workspace = {}, .min_p = params.min_p}));
  return drawn(x, {sample::uniform(params.seed, token_index)})[0];
}

RC_GTEST_PROP(Draw, AfterTheFiltersEqualsTheSampler, ()) {
  Random random(*rc::gen::arbitrary<uint64_t>());
  std::vector<float> logits(1 + random.below(300));
  const bool tied = random.below(2) == 0;
  for (float& x : logits)
    x = static_cast<float>(tied ? std::round(2 * random.normal()) : 3 * random.normal());
  std::vector<uint32_t> history(random.below(20));
  for (uint32_t& id : history) id = static_cast<uint32_t>(random.below(logits.size()));
  const auto one_of = [&](std::initializer_list<float> values) {
    return *(values.begin() + random.below(values.size()));
  };
  const sample::Params params{.temperature = one_of({0.5f, 0.7f, 1, 2}),
                              .top_p = one_of({0, 0.5f, 0.9f, 1}),
                              .min_p = one_of({0, 0.05f, 0.5f, 1}),
                              .repetition_penalty = one_of({0.8f, 1, 1.3f}),
                              .top_k = static_cast<uint32_t>(one_of({0, 1, 7, 40, 400})),
                              .seed = random.next()};
  const uint64_t index = random.below(1000);
  const auto want = sample::sample(logits, params, history, index);
  RC_ASSERT(want.has_value());
  RC_ASSERT(sampled(logits, params, history, index) == *want);
}

}  // namespace
}  // namespace kigo
