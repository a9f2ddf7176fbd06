// The bound of a dot product: real sums stay within it and come near it, sums of lower precision break it;
// and the measures between whole sets of logits, by hand and by their laws.
#include "core/compare/bound.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/base/half.h"
#include "core/base/random.h"

namespace kigo::compare {
namespace {

TEST(DotBound, IsTheFormulaOfItsDerivation) {
  // 1.02 * 2^-24 * (log2 1024 + 32) * 3 + 2^-24 * 2, and what underflow can add, far below it
  EXPECT_DOUBLE_EQ(dot_bound(1024, 3, -2, {.serial_terms = 32}), 1.02 * 0x1p-24 * 42 * 3 + 0x1p-24 * 2);
  EXPECT_DOUBLE_EQ(dot_bound(1025, 3, 0, {.unit_out = 0}), 1.02 * 0x1p-24 * 12 * 3);  // log2 rounded up
  EXPECT_DOUBLE_EQ(dot_bound(1, 3, 3, {.unit_out = kUnitBf16}), 1.02 * 0x1p-24 * 3 + 0x1p-8 * 3);
}
TEST(SharedExponentBound, TakesTheLargestOfEachGroup) {
  const std::vector<double> w = {1, -2, 3, 0.5}, x = {-4, 1, 0.25, 0};
  EXPECT_EQ(shared_exponent_bound(w, x, {.columns = 2, .unit = 0.5}), 0.5 * (4 * 3 + 0.25 * 3.5));
  EXPECT_EQ(shared_exponent_bound(w, x, {.columns = 3, .unit = 1, .least = 2}), 4 * 6 + 2 * 0.5);
}

TEST(SharedExponentBound, OfColumnsOfOneTakesEachMagnitude) {
  EXPECT_EQ(shared_exponent_bound(std::vector{1.0, -2.0}, std::vector{-4.0, 1.0}, {.columns = 1, .unit = 1}),
            4 + 2);
}
TEST(SharedExponentBound, EndsWithoutColumnsOrWithVectorsOfTwoLengths) {
  const std::vector<double> two(2, 1.0), three(3, 1.0);
  EXPECT_DEATH((void)shared_exponent_bound(two, three, {.columns = 1}), "bound.cc");
  EXPECT_DEATH((void)shared_exponent_bound(two, two, {.columns = 0}), "bound.cc");
}

// 1 + u is half way to the next number and rounds back to 1, the even one; anything more does not.
TEST(Units, AreHalfTheDistanceFromOneToTheNextNumber) {
  EXPECT_EQ(1 + kUnitDouble, 1);
  EXPECT_EQ(1 + 1.5 * kUnitDouble, 1 + 2 * kUnitDouble);
  EXPECT_EQ(static_cast<float>(1 + kUnitFloat), 1);
  EXPECT_EQ(static_cast<float>(1 + 1.5 * kUnitFloat), 1 + 2 * kUnitFloat);
  EXPECT_EQ(to_float(to_f16(1 + kUnitHalf)), 1);
  EXPECT_EQ(to_float(to_f16(1 + 1.5 * kUnitHalf)), 1 + 2 * kUnitHalf);
  EXPECT_EQ(to_float(to_bf16(static_cast<float>(1 + kUnitBf16))), 1);
  EXPECT_EQ(to_float(to_bf16(static_cast<float>(1 + 1.5 * kUnitBf16))), 1 + 2 * kUnitBf16);
}

TEST(DotBound, AddsHalfTheSmallestNumberForEveryProductAndForTheResult) {
  EXPECT_EQ(dot_bound(3, 0, 0, {.least = 8, .least_out = 2}), 3 * 4 + 1);
}
TEST(DotBound, OfNoTermsIsZero) { EXPECT_EQ(dot_bound(0, 0, 0), 0); }
TEST(DotBound, CoversProductsBelowTheNormalRange) {
  const float w = 1.5e-23f, x = 1.1e-23f;  // the product is some 118 units of the smallest float
  const double exact = double{w} * double{x};
  EXPECT_GT(std::abs(double{w * x} - exact), dot_bound(1, exact, exact, {.least = 0, .least_out = 0}));
  EXPECT_LE(std::abs(double{w * x} - exact), dot_bound(1, exact, exact));
}

/// Sums of `serial` products each, joined by a tree, every step rounded by `round`.
template <class Round>
double tree_dot(const std::vector<float>& w, const std::vector<float>& x, size_t serial, const Round& round) {
  std::vector<double> parts;
  for (size_t i = 0; i < w.size(); ++i) {
    const double product = round(double{w[i]} * double{x[i]});
    if (i % serial == 0)
      parts.push_back(product);
    else
      parts.back() = round(parts.back() + product);
  }
  while (parts.size() > 1) {
    std::vector<double> next;
    for (size_t i = 0; i < parts.size(); i += 2)
      next.push_back(i + 1 < parts.size() ? round(parts[i] + parts[i + 1]) : parts[i]);
    parts = std::move(next);
  }
  return parts.at(0);
}
double to_single(double value) { return double{static_cast<float>(value)}; }
double to_half(double value) { return double{to_float(to_f16(value))}; }

struct Dot {
  std::vector<float> w, x;
  size_t serial;
  double want = 0, magnitudes = 0;
};
Dot draw_dot(Random& random, bool same_sign) {
  Dot dot;
  const size_t k = 1 + random.below(3000);
  dot.serial = 1 + random.below(std::min<uint64_t>(k, 64));
  for (size_t i = 0; i < k; ++i) {
    dot.w.push_back(static_cast<float>(same_sign ? random.uniform(0.5, 1) : random.normal()));
    dot.x.push_back(static_cast<float>(same_sign ? random.uniform(0.5, 1) : random.normal()));
    const long double product = static_cast<long double>(dot.w[i]) * static_cast<long double>(dot.x[i]);
    dot.want += static_cast<double>(product);
    dot.magnitudes += static_cast<double>(std::abs(product));
  }
  return dot;
}
double share(const Dot& dot, double got) {
  const Accumulation how{.serial_terms = static_cast<double>(dot.serial)};
  return std::abs(got - dot.want) /
         dot_bound(static_cast<int64_t>(dot.w.size()), dot.magnitudes, dot.want, how);
}

RC_GTEST_PROP(DotBound, HoldsForEverySumOfFloats, (bool same_sign)) {
  Random random(*rc::gen::arbitrary<uint64_t>());
  const Dot dot = draw_dot(random, same_sign);
  RC_ASSERT(share(dot, tree_dot(dot.w, dot.x, dot.serial, to_single)) <= 1);
}

TEST(DotBound, IsNotVacuous) {  // the worst share over some cases must exceed 1 %
  Random random(5);
  double worst = 0;
  for (int i = 0; i < 200; ++i) {
    const Dot dot = draw_dot(random, i % 2 == 0);
    worst = std::max(worst, share(dot, tree_dot(dot.w, dot.x, dot.serial, to_single)));
  }
  EXPECT_GT(worst, 0.05);
  EXPECT_LT(worst, 1);
}

// 1 + 2^-24 + 2^-24 + ... one after another: every addition is a tie that rounds back to 1.
TEST(DotBound, IsNearlyReachedByTheWorstSum) {
  Dot dot{std::vector<float>(4096, 0x1p-24f), std::vector<float>(4096, 1), 4096};
  dot.w[0] = 1;
  dot.want = dot.magnitudes = 1 + 4095 * 0x1p-24;
  const double got = tree_dot(dot.w, dot.x, dot.serial, to_single);
  ASSERT_EQ(got, 1);
  EXPECT_GT(share(dot, got), 0.95);
  EXPECT_LE(share(dot, got), 1);
}

TEST(DotBound, RejectsSumsKeptInHalf) {  // F71
  Random random(6);
  for (int i = 0; i < 50; ++i) {
    const Dot dot = draw_dot(random, true);
    if (dot.w.size() <= 8) continue;  // so few may come out right by chance
    EXPECT_GT(share(dot, tree_dot(dot.w, dot.x, dot.serial, to_half)), 1);
  }
}
TEST(DotBound, RejectsATermLeftOut) {
  Random random(7);
  for (int i = 0; i < 50; ++i) {
    const Dot dot = draw_dot(random, true);
    EXPECT_GT(share(dot, dot.want - double{dot.w.back()} * double{dot.x.back()}), 1);
  }
}

using Row = std::vector<double>;

TEST(Nmse, IsTheSquareOfTheErrorOverTheSquareOfTheTruth) {
  EXPECT_DOUBLE_EQ(nmse(Row{1, 2, 4}, Row{1, 2, 2}), 4.0 / 9);
  EXPECT_EQ(nmse(Row{1, 2}, Row{1, 2}), 0);
  EXPECT_EQ(nmse(Row{0, 0}, Row{3, 4}), 1);  // all-zero output: 1, whatever the scale
  EXPECT_EQ(nmse(Row{0, 0}, Row{3e-6, 4e-6}), 1);
}
TEST(Nmse, HasEdges) {
  EXPECT_EQ(nmse(Row{0, 0}, Row{0, 0}), 0);
  EXPECT_EQ(nmse(Row{0, 1}, Row{0, 0}), kInfinity);
  EXPECT_TRUE(std::isnan(nmse(Row{std::nan("")}, Row{1})));
  EXPECT_TRUE(std::isnan(nmse(Row{std::nan("")}, Row{0})));
}

TEST(KlDivergence, FollowsAnExampleByHand) {  // p = (3/4, 1/4), q = (1/2, 1/2): 3/4 log(3/2) + 1/4 log(1/2)
  const Row want{std::log(3.0), 0}, got{5, 5};
  EXPECT_NEAR(kl_divergence(got, want), 0.75 * std::log(1.5) + 0.25 * std::log(0.5), 1e-15);
}
TEST(KlDivergence, IsZeroForEqualAndForShiftedLogits) {
  EXPECT_EQ(kl_divergence(Row{1, 2, 3}, Row{1, 2, 3}), 0);
  EXPECT_NEAR(kl_divergence(Row{101, 102, 103}, Row{1, 2, 3}), 0, 1e-27);
}
TEST(KlDivergence, IsFiniteForLogitsFarApart) {
  EXPECT_NEAR(kl_divergence(Row{0, 720}, Row{720, 0}), 720, 1e-9);
  EXPECT_NEAR(kl_divergence(Row{0, 5000}, Row{5000, 0}), 5000, 1e-9);
}
TEST(KlDivergence, IsNaNForNaN) { EXPECT_TRUE(std::isnan(kl_divergence(Row{1, std::nan("")}, Row{1, 2}))); }
RC_GTEST_PROP(KlDivergence, IsNeverNegativeAndGrowsWithTheSquareOfASmallError, ()) {
  Random random(*rc::gen::arbitrary<uint64_t>());
  Row want, got, further;
  for (uint64_t i = 2 + random.below(50); i > 0; --i) {
    want.push_back(3 * random.normal());
    const double off = 1e-4 * random.normal();
    got.push_back(want.back() + off);
    further.push_back(want.back() + 2 * off);
  }
  const double near = kl_divergence(got, want), far = kl_divergence(further, want);
  RC_ASSERT(near >= 0);
  RC_ASSERT(std::abs(far - 4 * near) <= 0.01 * far + 1e-18);
}

TEST(TopKAgreement, CountsTheSharedOnes) {
  const Row want{5, 4, 3, 2, 1}, got{5, 1, 4, 3, 2};
  EXPECT_EQ(top_k_agreement(got, want, 1), 1);
  EXPECT_EQ(top_k_agreement(got, want, 2), 0.5);
  EXPECT_DOUBLE_EQ(top_k_agreement(got, want, 3), 2 / 3.0);
  EXPECT_EQ(top_k_agreement(got, want, 5), 1);
  EXPECT_EQ(top_k_agreement(got, want, 99), 1);
  EXPECT_EQ(top_k_agreement(Row{1, 2}, Row{2, 1}, 1), 0);
  EXPECT_EQ(top_k_agreement(Row{1, 2}, Row{2, 1}, 0), 1);        // all of none
  EXPECT_EQ(top_k_agreement(Row{1, 1, 1}, Row{2, 2, 2}, 2), 1);  // ties: the lowest indices on both sides
}

TEST(TopKAgreement, TakesOfEqualsTheLowestIndices) {
  for (size_t size = 2; size <= 40; size += 2) {
    Row falling(size);
    for (size_t i = 0; i < size; ++i) falling[i] = -static_cast<double>(i);
    EXPECT_EQ(top_k_agreement(Row(size, 1), falling, size / 2), 1) << size;
  }
}
TEST(KlDivergence, OfASingleLogitIsZero) { EXPECT_EQ(kl_divergence(Row{3}, Row{7}), 0); }
TEST(GreedyChoice, KnowsTheMarginOfTheTruth) {
  const Choice choice = greedy_choice(Row{1, 3.1, 3}, Row{1, 2.9, 3.0});
  EXPECT_EQ(choice.got, 1u);
  EXPECT_EQ(choice.want, 2u);
  EXPECT_FALSE(choice.agrees());
  EXPECT_NEAR(choice.margin, 0.1, 1e-12);
  EXPECT_TRUE(choice.decided(0.04));   // errors of 0.04 each cannot have done this
  EXPECT_FALSE(choice.decided(0.06));  // errors of 0.06 can
}
TEST(GreedyChoice, IsDecidedByAMarginOfTwiceTheErrorAndNoLess) {
  const Choice choice = greedy_choice(Row{2, 0}, Row{2.5, 3});
  EXPECT_EQ(choice.margin, 0.5);
  EXPECT_TRUE(choice.decided(0.25));
  EXPECT_FALSE(choice.decided(0.2501));
}
TEST(Measures, EndOnRowsOfTwoLengthsAndTheChoiceOnNone) {
  EXPECT_DEATH((void)greedy_choice(Row{1, 2}, Row{1}), "bound.cc");
  EXPECT_DEATH((void)greedy_choice(Row{}, Row{}), "bound.cc");
  EXPECT_DEATH((void)kl_divergence(Row{1, 2}, Row{1}), "bound.cc");
  EXPECT_DEATH((void)kl_divergence(Row{}, Row{}), "bound.cc");
}
TEST(GreedyChoice, TakesTheLowestOfEqualsWithoutMargin) {
  const Choice choice = greedy_choice(Row{2, 2}, Row{7, 7});
  EXPECT_TRUE(choice.agrees());
  EXPECT_EQ(choice.want, 0u);
  EXPECT_EQ(choice.margin, 0);
  EXPECT_EQ(greedy_choice(Row{1}, Row{1}).margin, kInfinity);
}

}  // namespace
}  // namespace kigo::compare
