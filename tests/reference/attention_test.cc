#include "reference/attention.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "tests/reference/support.h"

namespace kigo {
namespace {

using test::Grid;

Grid<double> attended(Grid<double> q, Grid<double> k, Grid<double> v, int64_t heads, int64_t kv_heads) {
  Grid<double> y(q.rows(), q.width());
  const Status status = reference::attention<double>(
      {.q = q.heads(heads), .k = k.heads(kv_heads), .v = v.heads(kv_heads), .y = y.heads(heads)});
  EXPECT_TRUE(status) << test::message(status);
  return y;
}

TEST(Attention, WorkedExample) {
  // head_dim 4, so scores are halved. With t = 2 ln 3 the query scores 0 and ln 3 against the two keys:
  // weights 1 : 3, and y = v0 / 4 + 3 v1 / 4.
  const double t = 2 * std::log(3.0);
  const Grid<double> y = attended({1, 4, {t, 0, 0, 0}}, {2, 4, {0, 5, 0, 0, /**/ 1, 0, 7, 0}},
                                  {2, 4, {4, 0, 8, 1, /**/ 0, 4, 8, -1}}, 1, 1);
  const std::vector<double> want = {1, 3, 8, -0.5};
  for (int64_t i = 0; i < 4; ++i) EXPECT_NEAR(y(0, i), want[static_cast<size_t>(i)], 1e-14);
}

TEST(Attention, LooksAtNoLaterPosition) {
  // Equal keys: each query takes the mean of the values up to its own position.
  const Grid<double> y = attended({3, 1, {1, 1, 1}}, {3, 1, {2, 2, 2}}, {3, 1, {6, 12, 36}}, 1, 1);
  EXPECT_EQ(y.dense(), (std::vector<double>{6, 9, 18}));
}

TEST(Attention, PutsTheQueriesAtTheEndOfTheCache) {
  const Grid<double> y = attended({2, 1, {1, 1}}, {4, 1, {0, 0, 0, 0}}, {4, 1, {3, 6, 9, 10}}, 1, 1);
  EXPECT_EQ(y.dense(), (std::vector<double>{6, 7}));  // (3 + 6 + 9) / 3, (3 + 6 + 9 + 10) / 4
}

TEST(Attention, ReturnsTheValueOfTheOnlyKey) {
  const Grid<double> v = Grid<double>::random(1, 6, 1);
  const Grid<double> y = attended(Grid<double>::random(1, 12, 2), Grid<double>::random(1, 6, 3), v, 4, 2);
  for (int64_t h = 0; h < 4; ++h) {
    for (int64_t i = 0; i < 3; ++i) EXPECT_EQ(y(0, h * 3 + i), v(0, h / 2 * 3 + i));
  }
}

TEST(Attention, SharesAKeyHeadAmongNeighbouringQueryHeads) {
  // Six heads, two kv heads whose values are 10 and 20: heads 0, 1, 2 read 10, heads 3, 4, 5 read 20.
  const Grid<double> y = attended({1, 6, {1, 1, 1, 1, 1, 1}}, {1, 2, {1, 1}}, {1, 2, {10, 20}}, 6, 2);
  EXPECT_EQ(y.dense(), (std::vector<double>{10, 10, 10, 20, 20, 20}));
}

TEST(Attention, SurvivesScoresThatWouldOverflowExp) {
  const Grid<double> y = attended({1, 1, {1}}, {2, 1, {5000, 5000}}, {2, 1, {2, 4}}, 1, 1);
  EXPECT_EQ(y(0, 0), 3);
}

TEST(Attention, ReadsPaddedRowsAndMayWriteOverTheQueries) {
  Grid<double> q = Grid<double>::random(3, 8, 4, 5);
  Grid<double> k = Grid<double>::random(7, 4, 5, 3);
  Grid<double> v = Grid<double>::random(7, 4, 6, 1);
  const Grid<double> want = attended(q, k, v, 2, 1);
  ASSERT_TRUE(
      reference::attention<double>({.q = q.heads(2), .k = k.heads(1), .v = v.heads(1), .y = q.heads(2)}));
  EXPECT_EQ(q.dense(), want.dense());
}

TEST(Attention, HasTheSameBitsForAllTokensAtOnceAndOneByOne) {
  // Large enough for several threads.
  const Grid<double> q = Grid<double>::random(40, 64, 7);
  const Grid<double> k = Grid<double>::random(220, 32, 8);
  const Grid<double> v = Grid<double>::random(220, 32, 9);
  const Grid<double> together = attended(q, k, v, 4, 2);
  for (int64_t t = 0; t < 40; ++t) {
    Grid<double> query(1, 64), keys(181 + t, 32), values(181 + t, 32);
    for (int64_t i = 0; i < 64; ++i) query(0, i) = q(t, i);
    for (int64_t p = 0; p < 181 + t; ++p) {
      for (int64_t i = 0; i < 32; ++i) keys(p, i) = k(p, i), values(p, i) = v(p, i);
    }
    const Grid<double> alone = attended(query, keys, values, 4, 2);
    for (int64_t i = 0; i < 64; ++i) ASSERT_EQ(alone(0, i), together(t, i)) << t << ", " << i;
  }
}

RC_GTEST_PROP(Attention, PermutingTheHeadsOfAGroupPermutesTheOutput, ()) {
  const auto head_dim = *rc::gen::inRange<int64_t>(1, 9);
  const auto per_group = *rc::gen::inRange<int64_t>(1, 5);
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  const int64_t heads = 2 * per_group;
  const Grid<double> q = Grid<double>::random(2, heads * head_dim, seed);
  const Grid<double> k = Grid<double>::random(5, 2 * head_dim, seed + 1);
  const Grid<double> v = Grid<double>::random(5, 2 * head_dim, seed + 2);
  // Head h of the permuted query is the mirrored head of its own group.
  const auto mirrored = [&](int64_t h) { return h / per_group * per_group + per_group - 1 - h % per_group; };
  Grid<double> permuted(2, heads * head_dim);
  for (int64_t t = 0; t < 2; ++t) {
    for (int64_t n = 0; n < heads * head_dim; ++n) {
      permuted(t, n) = q(t, mirrored(n / head_dim) * head_dim + n % head_dim);
    }
  }
  const Grid<double> y = attended(q, k, v, heads, 2);
  const Grid<double> z = attended(permuted, k, v, heads, 2);
  for (int64_t t = 0; t < 2; ++t) {
    for (int64_t n = 0; n < heads * head_dim; ++n) {
      RC_ASSERT(z(t, n) == y(t, mirrored(n / head_dim) * head_dim + n % head_dim));
    }
  }
}

RC_GTEST_PROP(Attention, StaysBetweenTheSmallestAndTheLargestValue, ()) {
  const auto positions = *rc::gen::inRange<int64_t>(1, 30);
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  const Grid<double> v = Grid<double>::random(positions, 3, seed);
  const Grid<double> y =
      attended(Grid<double>::random(1, 3, seed + 1), Grid<double>::random(positions, 3, seed + 2), v, 1, 1);
  for (int64_t i = 0; i < 3; ++i) {
    double low = v(0, i), high = v(0, i);
    for (int64_t p = 0; p < positions; ++p) low = std::min(low, v(p, i)), high = std::max(high, v(p, i));
    // Weights are off by a few units each: 2 * positions roundings of at most the largest magnitude.
    const double slack = 4.0 * static_cast<double>(positions) * 0x1p-53 * std::max(-low, high);
    RC_ASSERT(y(0, i) >= low - std::abs(slack));
    RC_ASSERT(y(0, i) <= high + std::abs(slack));
  }
}

struct AttentionRefusal : testing::Test {
  Grid<double> q = Grid<double>::random(2, 8, 1);
  Grid<double> k = Grid<double>::random(3, 4, 2);
  Grid<double> v = Grid<double>::random(3, 4, 3);
  Grid<double> y{2, 8};
  ops::Attention<double, Space::Host> op{.q = q.heads(4), .k = k.heads(2), .v = v.heads(2), .y = y.heads(4)};
  std::string refusal() { return test::message(reference::attention<double>(op)); }
};

TEST_F(AttentionRefusal, AcceptsTheUnspoiltCase) { EXPECT_EQ(refusal(), "accepted"); }
TEST_F(AttentionRefusal, NamesKeysOfAnotherHeadDim) {
  op.k = k.heads(1);
  EXPECT_EQ(refusal(), "attention.k: shape [3, 1, 4], expected [3, 1, 2] (bad_shape)");
}
TEST_F(AttentionRefusal, NamesFewerValuesThanKeys) {
  op.v.shape[0] = 2;
  EXPECT_EQ(refusal(), "attention.v: shape [2, 2, 2], expected [3, 2, 2] (bad_shape)");
}
TEST_F(AttentionRefusal, NamesHeadsThatDoNotShareOut) {
  op.q.shape[1] = op.y.shape[1] = 3;
  EXPECT_EQ(refusal(), "attention.heads: 3, expected a multiple of 2 kv_heads (bad_shape)");
}
TEST_F(AttentionRefusal, NamesMoreTokensThanPositions) {
  op.k.shape[0] = op.v.shape[0] = 1;
  EXPECT_EQ(refusal(), "attention.q: 2 tokens, expected at most 1 (bad_shape)");
}
TEST_F(AttentionRefusal, NamesAnotherOutputShape) {
  op.y = y.heads(2);
  EXPECT_EQ(refusal(), "attention.y: shape [2, 2, 4], expected [2, 4, 2] (bad_shape)");
}
TEST_F(AttentionRefusal, NamesAHeadThatIsTooWide) {
  op.q = {q.view().data, {0, 1, 257}};
  EXPECT_EQ(refusal(), "attention.head_dim: 257, expected 1 to 256 (unsupported)");
}

}  // namespace
}  // namespace kigo
