#include "reference/paged_attention.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "reference/attention.h"
#include "tests/reference/support.h"

namespace kigo {
namespace {

using test::Grid;

/// A cache of float keys and values, all NaN until they are set, whose pages lie in the pool in falling
/// order.
struct PagedCache {
  PagedCache(int64_t pages_, int64_t kv_heads_, int64_t head_dim_)
      : pages(pages_),
        kv_heads(kv_heads_),
        head_dim(head_dim_),
        keys(static_cast<size_t>(pages * kv_heads * 16 * head_dim), std::nanf("")),
        values(keys),
        table(static_cast<size_t>(pages)) {
    std::iota(table.rbegin(), table.rend(), 0);
  }
  float& at(std::vector<float>& pool, int64_t position, int64_t head, int64_t i) {
    const int64_t page = pages - 1 - position / 16;
    return pool[static_cast<size_t>(((page * kv_heads + head) * 16 + position % 16) * head_dim + i)];
  }
  ops::KvCache<const float, Space::Host> view() const {
    return {{keys.data(), {pages, kv_heads, 16, head_dim}},
            {values.data(), {pages, kv_heads, 16, head_dim}},
            {table.data(), {pages}}};
  }
  int64_t pages, kv_heads, head_dim;
  std::vector<float> keys, values;
  std::vector<int32_t> table;
};

/// Elements 0 to 63 of the result of a single head over 17 positions of head_dim 64, so that scores are
/// divided by 8. The query is 8 ln 3 in dimension 0 and 8 in dimension 1; the keys of positions 0 and 16 are
/// 0 and 1 in dimension 0, those of 1 to 15 are -1000, and all are `common` in dimension 1, which every score
/// is raised by: weights 1 : 3. Values: 4 and 8 in dimension 5.
std::vector<double> weighted(float common) {
  PagedCache cache(2, 1, 64);
  for (int64_t p = 0; p < 17; ++p) {
    for (int64_t i = 0; i < 64; ++i) cache.at(cache.keys, p, 0, i) = cache.at(cache.values, p, 0, i) = 0;
    if (p % 16 != 0) cache.at(cache.keys, p, 0, 0) = -1000;
    cache.at(cache.keys, p, 0, 1) = common;
  }
  cache.at(cache.keys, 16, 0, 0) = 1;
  cache.at(cache.values, 0, 0, 5) = 4;
  cache.at(cache.values, 16, 0, 5) = 8;
  Grid<double> q = Grid<double>(1, 64), y = q;
  for (int64_t i = 0; i < 64; ++i) q(0, i) = i == 0 ? 8 * std::log(3.0) : i == 1 ? 8 : 0;
  const std::vector<int64_t> positions = {16};
  EXPECT_TRUE((reference::paged_attention<double, float>({.q = q.heads(1),
                                                          .positions = test::row_view(positions),
                                                          .cache = cache.view(),
                                                          .y = y.heads(1),
                                                          .workspace = {},
                                                          .tickets = {}})));
  return y.dense();
}

TEST(PagedAttention, WorkedExample) {
  const std::vector<double> y = weighted(0);
  for (size_t i = 0; i < 64; ++i) EXPECT_NEAR(y[i], i == 5 ? 7 : 0, 1e-14) << i;  // 4 / 4 + 3 * 8 / 4
}

// exp(710) is beyond double: the largest score has to be taken off first, whatever its sign.
TEST(PagedAttention, TakesScoresWhoseExponentialNoDoubleHolds) {
  for (const float common : {-2000.0f, -500.0f, 500.0f, 2000.0f}) {
    const std::vector<double> y = weighted(common);
    // A score of 2000 is rounded by up to 2^-43, which moves y = 4 + 4 w by less than a tenth of 1e-11.
    for (size_t i = 0; i < 64; ++i) EXPECT_NEAR(y[i], i == 5 ? 7 : 0, 1e-11) << i << ", " << common;
  }
}

RC_GTEST_PROP(PagedAttention, EqualsAttentionOverDenseKeys, ()) {
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  const auto context = *rc::gen::inRange<int64_t>(1, 50);
  const auto tokens = *rc::gen::inRange<int64_t>(1, context + 1);
  const int64_t heads = 4, kv_heads = 2, head_dim = 32;
  Grid<float> q = Grid<float>::random(tokens, heads * head_dim, seed);
  Grid<float> k = Grid<float>::random(context, kv_heads * head_dim, seed + 1);
  Grid<float> v = Grid<float>::random(context, kv_heads * head_dim, seed + 2);
  PagedCache cache((context + 15) / 16, kv_heads, head_dim);
  for (int64_t p = 0; p < context; ++p) {
    for (int64_t n = 0; n < kv_heads * head_dim; ++n) {
      cache.at(cache.keys, p, n / head_dim, n % head_dim) = k(p, n);
      cache.at(cache.values, p, n / head_dim, n % head_dim) = v(p, n);
    }
  }
  std::vector<int64_t> positions(static_cast<size_t>(tokens));
  std::iota(positions.begin(), positions.end(), context - tokens);
  Grid<float> paged(tokens, heads * head_dim), dense = paged;
  RC_ASSERT(
      reference::attention<float>(
          {.q = q.heads(heads), .k = k.heads(kv_heads), .v = v.heads(kv_heads), .y = dense.heads(heads)})
          .has_value());
  RC_ASSERT((reference::paged_attention<float, float>({.q = q.heads(heads),
                                                       .positions = test::row_view(positions),
                                                       .cache = cache.view(),
                                                       .y = paged.heads(heads),
                                                       .workspace = {},
                                                       .tickets = {}}))
                .has_value());
  RC_ASSERT(paged.dense() == dense.dense());
}

struct PagedAttentionRefusal : testing::Test {
  PagedCache cache{2, 2, 32};
  Grid<double> q = Grid<double>::random(2, 128, 1);
  Grid<double> y{2, 128};
  std::vector<int64_t> positions = {30, 31};
  ops::PagedAttention<double, float, Space::Host> op{.q = q.heads(4),
                                                     .positions = test::row_view(positions),
                                                     .cache = cache.view(),
                                                     .y = y.heads(4),
                                                     .workspace = {},
                                                     .tickets = {}};
  std::string refusal() { return test::message(reference::paged_attention<double, float>(op)); }
};

TEST_F(PagedAttentionRefusal, AcceptsTheUnspoiltCase) { EXPECT_EQ(refusal(), "accepted"); }
TEST_F(PagedAttentionRefusal, NamesAPositionBeyondTheTable) {
  positions[1] = 32;
  EXPECT_EQ(refusal(), "paged_attention.positions: 32, expected 0 to 31 (unsupported)");
}
TEST_F(PagedAttentionRefusal, NamesAnotherHeadDim) {
  op.q = q.heads(2);
  EXPECT_EQ(refusal(), "paged_attention.cache.k: shape [2, 2, 16, 32], expected [2, 2, 16, 64] (bad_shape)");
  op.q = q.heads(8);
  EXPECT_EQ(refusal(), "paged_attention.head_dim: 16, expected 32, 64, 80, 96 or 128 (unsupported)");
}
TEST_F(PagedAttentionRefusal, NamesHeadsThatDoNotShareOut) {
  op.q.shape[1] = op.y.shape[1] = 3;
  EXPECT_EQ(refusal(), "paged_attention.heads: 3, expected a multiple of 2 kv_heads (bad_shape)");
}

}  // namespace
}  // namespace kigo
