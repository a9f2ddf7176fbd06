#include "reference/rope.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "tests/reference/support.h"

namespace kigo {
namespace {

using ops::Pairing;
using test::Grid;

/// Turns every head of every row of x.
Grid<double> turned(Grid<double> x, int64_t heads, const std::vector<int64_t>& positions, Pairing pairing,
                    int64_t rope_dims, float base = 10000, float factor = 1,
                    const std::vector<float>& divisors = {}) {
  Grid<double> y(x.rows(), x.width());
  const View<const float, 1> divided = divisors.empty() ? View<const float, 1>() : test::row_view(divisors);
  const Status status = reference::rope<double>({.x = x.heads(heads),
                                                 .positions = test::row_view(positions),
                                                 .y = y.heads(heads),
                                                 .pairing = pairing,
                                                 .rope_dims = rope_dims,
                                                 .base = base,
                                                 .factor = factor,
                                                 .divisors = divided});
  EXPECT_TRUE(status) << test::message(status);
  return y;
}

void expect_near(const std::vector<double>& got, const std::vector<double>& want, double bound) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    EXPECT_TRUE(std::abs(got[i] - want[i]) <= bound) << i << ": " << got[i] << ", expected " << want[i];
  }
}

// Worked example: head_dim 4, base 100, position 3. Pair 0 turns by 3 * 100^0 = 3, pair 1 by 3 / 10 = 0.3.
// cos 3 = -0.9899925, sin 3 = 0.1411200, cos 0.3 = 0.9553365, sin 0.3 = 0.2955202.
TEST(Rope, WorkedExampleOfHalves) {
  // Pairs (1, 3) and (2, 4): 1 c3 - 3 s3 = -1.4133525, 2 c.3 - 4 s.3 = 0.7285922,
  //                          1 s3 + 3 c3 = -2.8288575, 2 s.3 + 4 c.3 = 4.4123864.
  const Grid<double> y = turned({1, 4, {1, 2, 3, 4}}, 1, {3}, Pairing::halves, 4, 100);
  expect_near(y.dense(), {-1.4133525, 0.7285922, -2.8288575, 4.4123864}, 1e-6);
}
TEST(Rope, WorkedExampleOfNeighbours) {
  // Pairs (1, 2) and (3, 4): 1 c3 - 2 s3 = -1.2722325, 1 s3 + 2 c3 = -1.8388650,
  //                          3 c.3 - 4 s.3 = 1.6839287, 3 s.3 + 4 c.3 = 4.7079066.
  const Grid<double> y = turned({1, 4, {1, 2, 3, 4}}, 1, {3}, Pairing::neighbours, 4, 100);
  expect_near(y.dense(), {-1.2722325, -1.8388650, 1.6839287, 4.7079066}, 1e-6);
}

// The same pairs with divisors 2 and 3: angles 3 / 2 = 1.5 and 0.3 / 3 = 0.1.
// cos 1.5 = 0.0707372, sin 1.5 = 0.9974950, cos 0.1 = 0.9950042, sin 0.1 = 0.0998334.
TEST(Rope, WorkedExampleOfDivisors) {
  // Pairs (1, 2) and (3, 4): 1 c1.5 - 2 s1.5 = -1.9242528, 1 s1.5 + 2 c1.5 = 1.1389694,
  //                          3 c.1 - 4 s.1 = 2.5856789, 3 s.1 + 4 c.1 = 4.2795169.
  const Grid<double> y = turned({1, 4, {1, 2, 3, 4}}, 1, {3}, Pairing::neighbours, 4, 100, 1, {2, 3});
  expect_near(y.dense(), {-1.9242528, 1.1389694, 2.5856789, 4.2795169}, 1e-6);
}
TEST(Rope, DivisorsOfOneChangeNothing) {
  const Grid<double> x = Grid<double>::random(1, 8, 3);
  EXPECT_EQ(turned(x, 1, {7}, Pairing::halves, 8, 10000, 1, {1, 1, 1, 1}).dense(),
            turned(x, 1, {7}, Pairing::halves, 8).dense());
}

TEST(Rope, LeavesPositionZeroAsItIs) {
  const Grid<double> x = Grid<double>::random(1, 12, 1);
  EXPECT_EQ(turned(x, 2, {0}, Pairing::halves, 6).dense(), x.dense());
}

TEST(Rope, CopiesTheElementsBeyondRopeDims) {
  // The worked example with two more elements: neither pairs nor angles know of them.
  const Grid<double> halves = turned({1, 6, {1, 2, 3, 4, 5, 6}}, 1, {3}, Pairing::halves, 4, 100);
  expect_near(halves.dense(), {-1.4133525, 0.7285922, -2.8288575, 4.4123864, 5, 6}, 1e-6);
  EXPECT_EQ(halves(0, 4), 5);
  EXPECT_EQ(halves(0, 5), 6);
  const Grid<double> neighbours = turned({1, 6, {1, 2, 3, 4, 5, 6}}, 1, {3}, Pairing::neighbours, 4, 100);
  expect_near(neighbours.dense(), {-1.2722325, -1.8388650, 1.6839287, 4.7079066, 5, 6}, 1e-6);
}

TEST(Rope, TurnsAllHeadsOfATokenAlike) {
  const Grid<double> y = turned({2, 4, {1, 2, 1, 2, /**/ 3, 4, 3, 4}}, 2, {5, 9}, Pairing::halves, 2);
  for (int64_t t = 0; t < 2; ++t) {
    for (int64_t i = 0; i < 2; ++i) EXPECT_EQ(y(t, i), y(t, i + 2));
  }
}

TEST(Rope, DividesThePositionByTheFactor) {
  const Grid<double> x = Grid<double>::random(1, 8, 2);
  EXPECT_EQ(turned(x, 1, {12}, Pairing::halves, 8, 10000, 4).dense(),
            turned(x, 1, {3}, Pairing::halves, 8).dense());
}

TEST(Rope, MayWriteOverItsInput) {
  for (const Pairing pairing : {Pairing::halves, Pairing::neighbours}) {
    Grid<double> x = Grid<double>::random(2, 8, 3);
    const Grid<double> want = turned(x, 2, {7, 8}, pairing, 4);
    const std::vector<int64_t> positions = {7, 8};
    ASSERT_TRUE(reference::rope<double>({.x = x.heads(2),
                                         .positions = test::row_view(positions),
                                         .y = x.heads(2),
                                         .pairing = pairing,
                                         .rope_dims = 4}));
    EXPECT_EQ(x.dense(), want.dense());
  }
}

TEST(Rope, NeighboursAreHalvesOfPermutedRows) {
  // What llama's converter does to the rows of q and k: halves of x = neighbours of x dealt out alternately.
  const Grid<double> x = Grid<double>::random(1, 8, 4);
  Grid<double> dealt(1, 8);
  for (int64_t i = 0; i < 4; ++i) dealt(0, 2 * i) = x(0, i), dealt(0, 2 * i + 1) = x(0, i + 4);
  const Grid<double> halves = turned(x, 1, {11}, Pairing::halves, 8);
  const Grid<double> neighbours = turned(dealt, 1, {11}, Pairing::neighbours, 8);
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(halves(0, i), neighbours(0, 2 * i));
    EXPECT_EQ(halves(0, i + 4), neighbours(0, 2 * i + 1));
  }
}

RC_GTEST_PROP(Rope, KeepsTheLengthOfEveryHead, ()) {
  const auto pairing = *rc::gen::element(Pairing::halves, Pairing::neighbours);
  const auto pairs = *rc::gen::inRange<int64_t>(1, 33);
  const auto position = *rc::gen::inRange<int64_t>(0, 100000);
  const Grid<double> x = Grid<double>::random(1, 2 * pairs, *rc::gen::arbitrary<uint64_t>());
  const Grid<double> y = turned(x, 1, {position}, pairing, 2 * pairs, 1e6f);
  double before = 0, after = 0;
  for (int64_t i = 0; i < 2 * pairs; ++i) before += x(0, i) * x(0, i), after += y(0, i) * y(0, i);
  // Each element of y is off by at most 4 roundings, each square by 9, and 64 terms are summed twice.
  RC_ASSERT(std::abs(before - after) <= 160 * 0x1p-53 * before);
}

RC_GTEST_PROP(Rope, MakesScoresDependOnTheDistanceOnly, ()) {
  const auto pairing = *rc::gen::element(Pairing::halves, Pairing::neighbours);
  const auto p = *rc::gen::inRange<int64_t>(0, 1000);
  const auto distance = *rc::gen::inRange<int64_t>(0, 1000);
  const auto shift = *rc::gen::inRange<int64_t>(0, 1000);
  const Grid<double> q = Grid<double>::random(1, 16, *rc::gen::arbitrary<uint64_t>());
  const Grid<double> k = Grid<double>::random(1, 16, *rc::gen::arbitrary<uint64_t>());
  const auto score = [&](int64_t at_q, int64_t at_k) {
    const Grid<double> a = turned(q, 1, {at_q}, pairing, 16);
    const Grid<double> b = turned(k, 1, {at_k}, pairing, 16);
    double dot = 0;
    for (int64_t i = 0; i < 16; ++i) dot += a(0, i) * b(0, i);
    return dot;
  };
  double lengths = 0;
  for (int64_t i = 0; i < 16; ++i) lengths += q(0, i) * q(0, i) + k(0, i) * k(0, i);
  // An angle below 3000 is off by at most 3000 * 2 * 2^-53, and the score by that much of |q| |k| per side.
  RC_ASSERT(std::abs(score(p + distance, p) - score(p + shift + distance, p + shift)) <=
            4 * 6000 * 0x1p-53 * lengths);
}

struct RopeRefusal : testing::Test {
  Grid<double> x = Grid<double>::random(2, 8, 1);
  Grid<double> y{2, 8};
  std::vector<int64_t> positions = {0, 1};
  ops::Rope<double, Space::Host> op{.x = x.heads(2),
                                    .positions = test::row_view(positions),
                                    .y = y.heads(2),
                                    .pairing = Pairing::halves,
                                    .rope_dims = 4,
                                    .base = 10000,
                                    .factor = 1};
  std::string refusal() { return test::message(reference::rope<double>(op)); }
};

TEST_F(RopeRefusal, AcceptsTheUnspoiltCase) { EXPECT_EQ(refusal(), "accepted"); }
TEST_F(RopeRefusal, NamesTooFewPositions) {
  op.positions.shape = {1};
  EXPECT_EQ(refusal(), "rope.positions: shape [1], expected [2] (bad_shape)");
}
TEST_F(RopeRefusal, NamesAnotherOutputShape) {
  op.y = y.heads(1);
  EXPECT_EQ(refusal(), "rope.y: shape [2, 1, 8], expected [2, 2, 4] (bad_shape)");
}
TEST_F(RopeRefusal, NamesOddRopeDims) {
  op.rope_dims = 3;
  EXPECT_EQ(refusal(), "rope.rope_dims: 3, expected even (unsupported)");
}
TEST_F(RopeRefusal, NamesRopeDimsBeyondTheHead) {
  op.rope_dims = 6;
  EXPECT_EQ(refusal(), "rope.rope_dims: 6, expected 2 to 4 (unsupported)");
}
TEST_F(RopeRefusal, NamesTooManyDivisors) {
  const std::vector<float> divisors = {1, 1, 1};
  op.divisors = test::row_view(divisors);
  EXPECT_EQ(refusal(), "rope.divisors: shape [3], expected [2] (bad_shape)");
}
TEST_F(RopeRefusal, NamesADivisorOfZero) {
  const std::vector<float> divisors = {1, 0};
  op.divisors = test::row_view(divisors);
  EXPECT_EQ(refusal(), "rope.divisors: 0 at index 1, expected a finite number above 0 (unsupported)");
}
TEST_F(RopeRefusal, NamesABaseOfZero) {
  op.base = 0;
  EXPECT_EQ(refusal(), "rope.base: 0, expected a finite number above 0 (unsupported)");
}
TEST_F(RopeRefusal, NamesAFactorOfZero) {
  op.factor = 0;
  EXPECT_EQ(refusal(), "rope.factor: 0, expected a finite number above 0 (unsupported)");
}
TEST_F(RopeRefusal, NamesANegativePosition) {
  positions[1] = -1;
  EXPECT_EQ(refusal(), "rope.positions: -1, expected 0 to 2147483647 (unsupported)");
}

}  // namespace
}  // namespace kigo
