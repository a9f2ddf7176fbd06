// The sampler step by step: examples that can be followed by hand, edges, and refusals.
#include "core/sample/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/sample/philox.h"

namespace kigo::sample {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
using Ids = std::vector<uint32_t>;

/// Logits whose exponentials are the given masses, so that probabilities are their shares.
std::vector<float> logs(std::initializer_list<double> masses) {
  std::vector<float> logits;
  for (const double mass : masses) logits.push_back(static_cast<float>(std::log(mass)));
  return logits;
}

/// What is left, with the shares in `parts`: ids and probabilities, to the accuracy of float32 logits.
void expect_shares(const Result<Distribution>& got, const Ids& ids, const std::vector<double>& parts) {
  ASSERT_TRUE(got) << got.error().message();
  ASSERT_EQ(got->ids, ids);
  double sum = 0;
  for (const double part : parts) sum += part;
  for (size_t k = 0; k < parts.size(); ++k)
    EXPECT_NEAR(got->probability(k), parts[k] / sum, 2e-7) << "place " << k;
}

Params with(auto Params::*field, auto value) {
  Params params;
  params.*field = value;
  return params;
}

const std::vector<float> kHalving = logs({8, 4, 2, 1, 1});

TEST(Params, AreOffAndSeededWithZeroWhenLeftOut) {
  const Params params;
  EXPECT_EQ(params.temperature, 1);
  EXPECT_EQ(params.top_p, 1);
  EXPECT_EQ(params.min_p, 0);
  EXPECT_EQ(params.repetition_penalty, 1);
  EXPECT_EQ(params.top_k, 0u);
  EXPECT_EQ(params.seed, 0u);
}

TEST(Softmax, GivesTheSharesOfTheMasses) {
  expect_shares(distribution(kHalving, {}, {}, 0), {0, 1, 2, 3, 4}, {8, 4, 2, 1, 1});
}

TEST(Softmax, TakesLogitsFarBeyondTheRangeOfExp) {
  const std::vector<float> logits{3e38f, 3e38f, -3e38f};
  expect_shares(distribution(logits, {}, {}, 0), {0, 1, 2}, {1, 1, 0});
}

TEST(Temperature, HalfSquaresTheMasses) {
  expect_shares(distribution(kHalving, with(&Params::temperature, 0.5f), {}, 0), {0, 1, 2, 3, 4},
                {64, 16, 4, 1, 1});
}

TEST(Temperature, ATinyOneIsGreedyAndNotNaN) {
  const auto left =
      distribution(std::vector<float>{-3e38f, 1, 2, 3e38f}, with(&Params::temperature, 1.4e-45f), {}, 0);
  expect_shares(left, {0, 1, 2, 3}, {0, 0, 0, 1});
}

TEST(Temperature, ZeroIsTheHighestValueAndOfEqualsTheLowestId) {
  Params params = with(&Params::temperature, 0.0f);
  params.top_k = 3;
  params.min_p = 0.5f;  // greedy looks at no filter
  for (uint64_t index = 0; index < 20; ++index)
    EXPECT_EQ(sample(std::vector<float>{1, 7, -2, 7, 7}, params, {}, index).value(), 1u);
}

TEST(Temperature, ZeroLeavesOneIdOfWeightOne) {
  const auto left = distribution(std::vector<float>{1, 3, 2}, with(&Params::temperature, 0.0f), {}, 0);
  EXPECT_EQ(left->weights, std::vector<double>{1});
  EXPECT_EQ(left->total, 1);
}

TEST(RepetitionPenaltyDeathTest, EndsTheProcessForAnIdBeyondTheVocabulary) {
  const Ids history{2};
  const std::vector<float> logits{1, 2};
  EXPECT_DEATH((void)distribution(logits, with(&Params::repetition_penalty, 1.5f), history, 0), "sampler.cc");
}

TEST(RepetitionPenalty, DividesPositiveAndMultipliesNegativeValuesOnceEach) {
  const std::vector<float> logits{2, -1, 1, 0};
  const Params params = with(&Params::repetition_penalty, 2.0f);
  const Ids history{0, 1, 3, 1, 1, 0};  // ids 0, 1 and 3, some more than once
  expect_shares(distribution(logits, params, history, 0), {0, 1, 2, 3},
                {std::exp(1.0), std::exp(-2.0), std::exp(1.0), 1});
}

TEST(RepetitionPenalty, ActsAtTemperatureZero) {
  Params params = with(&Params::repetition_penalty, 1.5f);
  params.temperature = 0;
  const std::vector<float> logits{3, 2.5f, -1};
  EXPECT_EQ(sample(logits, params, {}, 0).value(), 0u);
  EXPECT_EQ(sample(logits, params, Ids{0}, 0).value(), 1u);  // 3 / 1.5 = 2 < 2.5
}

TEST(TopK, KeepsTheKHighest) {
  expect_shares(distribution(logs({1, 8, 2, 4, 1}), with(&Params::top_k, 3u), {}, 0), {1, 2, 3}, {8, 2, 4});
}

TEST(TopK, KeepsExactlyKOfEqualsTheLowestIds) {
  expect_shares(distribution(logs({2, 4, 2, 2, 2}), with(&Params::top_k, 3u), {}, 0), {0, 1, 2}, {2, 4, 2});
}

/// By a sort of everything, around the number from which another algorithm selects; many values are equal.
TEST(TopK, KeepsWhatASortPutsFirstForFewAndForMany) {
  constexpr uint32_t kVocab = 1280;
  std::vector<float> values(kVocab);
  for (uint32_t id = 0; id < kVocab; ++id) values[id] = static_cast<float>((id * 37) % 101);
  std::vector<uint32_t> order(kVocab);
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::stable_sort(order, [&](uint32_t a, uint32_t b) { return values[a] > values[b]; });
  for (const uint32_t k : {1u, 2u, 19u, 20u, 21u, 300u, kVocab - 1}) {
    std::vector<uint32_t> first(order.begin(), order.begin() + k);
    std::ranges::sort(first);
    const auto kept = distribution(values, with(&Params::top_k, k), {}, 0);
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->ids, first) << k;
  }
}

TEST(TopK, IsOffAtZeroAndFromTheVocabularyOn) {
  for (const uint32_t k : {0u, 5u, 6u, 2147483647u})
    expect_shares(distribution(kHalving, with(&Params::top_k, k), {}, 0), {0, 1, 2, 3, 4}, {8, 4, 2, 1, 1});
}

// Probabilities 1/2, 1/4, 1/8, 1/16, 1/16: the prefixes sum to .5, .75, .875, .9375, 1.
TEST(TopP, KeepsTheShortestPrefixThatReachesIt) {
  expect_shares(distribution(kHalving, with(&Params::top_p, 0.49f), {}, 0), {0}, {8});
  expect_shares(distribution(kHalving, with(&Params::top_p, 0.51f), {}, 0), {0, 1}, {8, 4});
  expect_shares(distribution(kHalving, with(&Params::top_p, 0.74f), {}, 0), {0, 1}, {8, 4});
  expect_shares(distribution(kHalving, with(&Params::top_p, 0.76f), {}, 0), {0, 1, 2}, {8, 4, 2});
  expect_shares(distribution(kHalving, with(&Params::top_p, 0.95f), {}, 0), {0, 1, 2, 3, 4}, {8, 4, 2, 1, 1});
}

TEST(TopP, ReachesItWhenTheSumIsEqual) {  // four equal values: quarters, without any rounding
  expect_shares(distribution(logs({1, 1, 1, 1}), with(&Params::top_p, 0.5f), {}, 0), {0, 1}, {1, 1});
  expect_shares(distribution(logs({1, 1, 1, 1}), with(&Params::top_p, 0.75f), {}, 0), {0, 1, 2}, {1, 1, 1});
}

TEST(TopP, ReachesItWhenTheSumIsEqualInALargeVocabulary) {
  // A quarter of n equal values, n = 68, 72 ... 400: the sum of one quarter is 1/4 without any rounding.
  for (size_t quarter = 17; quarter <= 100; ++quarter) {
    const auto left = distribution(std::vector<float>(4 * quarter, 1), with(&Params::top_p, 0.25f), {}, 0);
    ASSERT_EQ(left->ids.size(), quarter);
    EXPECT_EQ(left->ids.back(), quarter - 1);
  }
}

TEST(TopP, IsOffAtOneAlsoBehindTopK) {
  const std::vector<float> far{0, -1000, -2000};  // with p = 1 as a filter the first would be enough
  Params params = with(&Params::top_k, 2u);
  EXPECT_EQ(distribution(far, params, {}, 0)->ids, (Ids{0, 1}));
}

TEST(TopP, ZeroKeepsOneIdAndOneKeepsAll) {
  expect_shares(distribution(logs({4, 4, 1}), with(&Params::top_p, 0.0f), {}, 0), {0}, {1});
  const std::vector<float> far{0, -1000};  // the second has no weight left, yet is kept
  EXPECT_EQ(distribution(far, with(&Params::top_p, 1.0f), {}, 0)->ids, (Ids{0, 1}));
}

TEST(TopP, TakesOfEqualsTheLowestIds) {
  expect_shares(distribution(logs({1, 2, 1, 1, 1}), with(&Params::top_p, 0.6f), {}, 0), {0, 1, 2}, {1, 2, 1});
}

// Weights relative to the highest: 1, 1/2, 1/4, 1/8, 1/8.
TEST(MinP, KeepsWhatReachesTheShareOfTheHighest) {
  expect_shares(distribution(kHalving, with(&Params::min_p, 0.26f), {}, 0), {0, 1}, {8, 4});
  expect_shares(distribution(kHalving, with(&Params::min_p, 0.24f), {}, 0), {0, 1, 2}, {8, 4, 2});
  expect_shares(distribution(logs({3, 3, 1}), with(&Params::min_p, 1.0f), {}, 0), {0, 1}, {1, 1});
}

// The order of the steps: each pair of neighbours gives something else the other way round.
TEST(MinP, ZeroKeepsAllAndOneKeepsTheHighest) {
  EXPECT_EQ(distribution(kHalving, with(&Params::min_p, 0.0f), {}, 0)->ids.size(), 5u);
  EXPECT_EQ(distribution(logs({2, 4, 4, 1}), with(&Params::min_p, 1.0f), {}, 0)->ids, (Ids{1, 2}));
}

TEST(Order, TemperatureComesBeforeTopP) {  // F40: without temperature .8 would need 3 ids
  Params params = with(&Params::top_p, 0.8f);
  params.temperature = 0.5f;  // 64, 16, 4, 1, 1: the first two have 80/86 = .93, the first alone .74
  expect_shares(distribution(kHalving, params, {}, 0), {0, 1}, {64, 16});
}
TEST(Order, PenaltyComesBeforeTopK) {
  Params params = with(&Params::repetition_penalty, 2.0f);
  params.top_k = 1;
  EXPECT_EQ(distribution(std::vector<float>{3, 2, 1}, params, Ids{0}, 0)->ids, (Ids{1}));
}
TEST(Order, TopPIsAShareOfWhatTopKLeft) {  // of 8, 4, 2 the first has .57 > .55; of all five it has only .5
  Params params = with(&Params::top_p, 0.55f);
  params.top_k = 3;
  expect_shares(distribution(kHalving, params, {}, 0), {0}, {8});
}
TEST(Order, TopPComesBeforeMinP) {  // min-p first would leave 8, 4, of which the first alone is .67 > .6
  Params params = with(&Params::top_p, 0.6f);
  params.min_p = 0.3f;
  expect_shares(distribution(kHalving, params, {}, 0), {0, 1}, {8, 4});
}

TEST(AllowedIds, LeaveOutTheOthersEvenWhereTheyAreHighestOrNaN) {
  const std::vector<float> logits{1, 9, 2, kNaN, kInf};
  const std::vector<uint8_t> allowed{1, 0, 1, 0, 0};
  EXPECT_EQ(distribution(logits, {}, {}, 0, allowed)->ids, (Ids{0, 2}));
  EXPECT_EQ(sample(logits, with(&Params::temperature, 0.0f), {}, 0, allowed).value(), 2u);
  EXPECT_EQ(distribution(logits, with(&Params::top_k, 2u), Ids{1, 3}, 0, allowed)->ids, (Ids{0, 2}));
}

TEST(Draw, TakesTheFirstIdWhoseRunningSumIsAbove) {
  const Distribution half{{3, 5, 9}, {1, 0.5, 0.5}, 2};
  EXPECT_EQ(draw(half, 0), 3u);
  EXPECT_EQ(draw(half, 0.49999), 3u);
  EXPECT_EQ(draw(half, 0.5), 5u);  // the running sum 1 is not above 0.5 * 2
  EXPECT_EQ(draw(half, 0.75), 9u);
}
TEST(DrawDeathTest, EndsTheProcessForNoIdsOrNoWeightOfOne) {
  EXPECT_DEATH((void)draw(Distribution{}, 0), "sampler.cc");
  EXPECT_DEATH((void)draw(Distribution{{1}, {}, 1}, 0), "sampler.cc");
}
TEST(Draw, NeverTakesAnIdWithoutWeight) {  // F43
  const Distribution gaps{{0, 1, 2, 3}, {0, 1, 0, 0}, 1};
  EXPECT_EQ(draw(gaps, 0), 1u);
  EXPECT_EQ(draw(gaps, 0x1.fffffffffffffp-1), 1u);
}
TEST(Draw, FallsBackToTheLastIdWithWeightWhereRoundingLeavesNone) {  // F43
  const Distribution short_sum{{4, 6, 8}, {1, 0.5, 0}, 1.75};
  EXPECT_EQ(draw(short_sum, 0.99), 6u);
}

TEST(Sample, DrawsWithTheNumberOfSeedAndIndex) {
  const std::vector<float> logits = logs({1, 1, 1, 1});
  for (uint64_t seed : {0ull, 42ull, 0xFFFFFFFFFFFFFFFFull}) {
    for (uint64_t index = 0; index < 50; ++index) {
      const auto want = static_cast<uint32_t>(uniform(seed, index) * 4);
      EXPECT_EQ(sample(logits, with(&Params::seed, seed), {}, index).value(), want);
    }
  }
}

TEST(Sample, LooksAtAllOf151936Ids) {  // F41, F70
  std::vector<float> logits(151936, 0);
  logits[150001] = 30;
  Params params = with(&Params::temperature, 0.0f);
  EXPECT_EQ(sample(logits, params, {}, 0).value(), 150001u);
  params.temperature = 1;
  params.top_k = 1;
  EXPECT_EQ(sample(logits, params, {}, 0).value(), 150001u);
  const auto all = distribution(std::vector<float>(151936, 0), {}, {}, 0);
  EXPECT_DOUBLE_EQ(all->total, 151936);
  EXPECT_DOUBLE_EQ(all->probability(151935), 1 / 151936.0);
}

TEST(Refusals, NameTheFirstNonFiniteLogitAndCountThem) {
  const auto refused = sample(std::vector<float>{0, kInf, 1, kNaN}, {}, {}, 17);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(),
            "logits of token 17: 2 values not finite, first at id 1 (inference_failed)");
}
TEST(Refusals, TakeNoTokenWhereNothingIsAboveMinusInfinity) {
  EXPECT_EQ(sample(std::vector<float>{-kInf, -kInf}, {}, {}, 3).error().message(),
            "logits of token 3: no value above -inf (inference_failed)");
  EXPECT_EQ(sample(std::vector<float>{}, {}, {}, 0).error().code, Code::inference_failed);
  const std::vector<uint8_t> none(2);
  EXPECT_EQ(sample(std::vector<float>{1, 2}, {}, {}, 0, none).error().code, Code::inference_failed);
}
TEST(Refusals, LetMinusInfinityPassAndNeverDrawIt) {
  const std::vector<float> logits{-kInf, 1, -kInf};
  for (uint64_t index = 0; index < 100; ++index) EXPECT_EQ(sample(logits, {}, {}, index).value(), 1u);
  EXPECT_EQ(sample(logits, with(&Params::repetition_penalty, 2.0f), Ids{0, 1, 2}, 0).value(), 1u);
}

struct Range {
  const char* field;
  Params params;
  const char* message;  // empty where the value is allowed
};
void PrintTo(const Range& range, std::ostream* out) { *out << range.field << ' ' << range.message; }
class Ranges : public testing::TestWithParam<Range> {};
TEST_P(Ranges, AreCheckedAtBothEnds) {
  const Status status = check(GetParam().params);
  EXPECT_EQ(status ? "" : status.error().message(), GetParam().message);
  const std::vector<float> logits{1, 2};
  EXPECT_EQ(sample(logits, GetParam().params, {}, 0).has_value(), status.has_value());
}
constexpr float kAboveTwo = 2.0000002f;
INSTANTIATE_TEST_SUITE_P(
    Params, Ranges,
    testing::Values(
        Range{"default", {}, ""}, Range{"temperature", {.temperature = 0}, ""},
        Range{"temperature", {.temperature = 2}, ""},
        Range{"temperature", {.temperature = 2.5f}, "temperature: 2.5, expected 0..2 (invalid_request)"},
        Range{"temperature",
              {.temperature = kAboveTwo},
              "temperature: 2.0000002, expected 0..2 (invalid_request)"},
        Range{"temperature", {.temperature = -1e-9f}, "temperature: -1e-09, expected 0..2 (invalid_request)"},
        Range{"temperature", {.temperature = kNaN}, "temperature: nan, expected 0..2 (invalid_request)"},
        Range{"top_p", {.top_p = 0}, ""},
        Range{"top_p", {.top_p = 1.5f}, "top_p: 1.5, expected 0..1 (invalid_request)"},
        Range{"top_p", {.top_p = -0.5f}, "top_p: -0.5, expected 0..1 (invalid_request)"},
        Range{"top_p", {.top_p = kNaN}, "top_p: nan, expected 0..1 (invalid_request)"},
        Range{"min_p", {.min_p = 1}, ""},
        Range{"min_p", {.min_p = 1.25f}, "min_p: 1.25, expected 0..1 (invalid_request)"},
        Range{"min_p", {.min_p = -kInf}, "min_p: -inf, expected 0..1 (invalid_request)"},
        Range{"repetition_penalty", {.repetition_penalty = 1e-30f}, ""},
        Range{"repetition_penalty", {.repetition_penalty = 2}, ""},
        Range{"repetition_penalty",
              {.repetition_penalty = 0},
              "repetition_penalty: 0, expected above 0, at most 2 (invalid_request)"},
        Range{"repetition_penalty",
              {.repetition_penalty = 3},
              "repetition_penalty: 3, expected above 0, at most 2 (invalid_request)"},
        Range{"top_k", {.top_k = 2147483647}, ""},
        Range{
            "top_k", {.top_k = 2147483648u}, "top_k: 2147483648, expected 0..2147483647 (invalid_request)"}));

}  // namespace
}  // namespace kigo::sample
