#include "reference/norm_qkv_rope_append.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>

#include "reference/linear.h"
#include "reference/rmsnorm.h"
#include "reference/rope.h"
#include "tests/reference/support.h"

namespace kigo {
namespace {

using test::Grid;

constexpr double kUntouched = -77;

/// A cache of `pages` pool pages, every element kUntouched.
template <class C>
struct Pool {
  int64_t pages, kv_heads, head_dim;
  std::vector<int32_t> table;
  std::vector<C> k = std::vector<C>(static_cast<size_t>(pages * kv_heads * 16 * head_dim), C(kUntouched));
  std::vector<C> v = k;

  ops::KvCache<C, Space::Host> view() {
    const std::array<int64_t, 4> shape = {pages, kv_heads, 16, head_dim};
    return {.k = {k.data(), shape}, .v = {v.data(), shape}, .table = test::row_view(table)};
  }
};

TEST(NormQkvRopeAppend, WorkedExample) {
  // x = (3, -3) has root mean square 3; with weights 1, 2 the norm gives n = (1, -2). One query head of two
  // elements: (4, 3) + bias (0, 1) = (4, 4). Key (1, 0), value (-2, 6) + (2, 0) = (0, 6). Position 17 is row
  // 1 of the second page of the sequence, which is pool page 0; factor 17 makes the only angle 1 radian.
  const double c = std::cos(1.0), s = std::sin(1.0);
  Grid<double> x(1, 2, {3, -3}, 3);
  const std::vector<float> norm = {1, 2};
  const std::vector<float> q = {2, -1, /**/ 1, -1}, q_bias = {0, 1};
  const std::vector<float> k = {1, 0, /**/ 2, 1};
  const std::vector<float> v = {0, 1, /**/ 2, -2}, v_bias = {2, 0};
  const std::vector<int64_t> positions = {17};
  Pool<double> pool{.pages = 2, .kv_heads = 1, .head_dim = 2, .table = {1, 0}};
  Grid<double> y(1, 2);
  ASSERT_TRUE((reference::norm_qkv_rope_append<double, double>(
      {.x = x.view(),
       .norm_weight = test::row_view(norm),
       .norm_eps = 0,
       .q = {test::f32_matrix(q, 2, 2), test::row_view(q_bias)},
       .k = {test::f32_matrix(k, 2, 2), {}},
       .v = {test::f32_matrix(v, 2, 2), test::row_view(v_bias)},
       .positions = test::row_view(positions),
       .pairing = ops::Pairing::halves,
       .rope_dims = 2,
       .rope_base = 10000,
       .rope_factor = 17,
       .y = y.heads(1),
       .cache = pool.view()})));
  EXPECT_NEAR(y(0, 0), 4 * c - 4 * s, 1e-14);
  EXPECT_NEAR(y(0, 1), 4 * s + 4 * c, 1e-14);
  const auto cache = pool.view();
  EXPECT_NEAR(cache.k(0, 0, 1, 0), c, 1e-14);
  EXPECT_NEAR(cache.k(0, 0, 1, 1), s, 1e-14);
  EXPECT_EQ(cache.v(0, 0, 1, 0), 0);
  EXPECT_EQ(cache.v(0, 0, 1, 1), 6);
  EXPECT_EQ(std::ranges::count(pool.k, kUntouched), 2 * 16 * 2 - 2);
  EXPECT_EQ(std::ranges::count(pool.v, kUntouched), 2 * 16 * 2 - 2);
}

RC_GTEST_PROP(NormQkvRopeAppend, IsTheCompositionOfItsOps, ()) {
  const auto width = *rc::gen::inRange<int64_t>(1, 20), heads = *rc::gen::inRange<int64_t>(1, 4);
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  const int64_t head_dim = 6, rows = heads * head_dim;
  const auto pairing = *rc::gen::element(ops::Pairing::halves, ops::Pairing::neighbours);
  Grid<double> x = Grid<double>::random(1, width, seed);
  const std::vector<float> norm = test::random_floats(width, seed + 1),
                           bias = test::random_floats(rows, seed + 2);
  const std::vector<float> q = test::random_floats(rows * width, seed + 3);
  const std::vector<float> k = test::random_floats(rows * width, seed + 4);
  const std::vector<int64_t> positions = {*rc::gen::inRange<int64_t>(0, 32)};
  Pool<double> pool{.pages = 3, .kv_heads = heads, .head_dim = head_dim, .table = {2, 0}};
  Grid<double> n(1, width), want_q(1, rows), want_k(1, rows), y(1, rows);
  const auto weight = test::row_view(norm);
  const auto q_matrix = test::f32_matrix(q, rows, width), k_matrix = test::f32_matrix(k, rows, width);
  const auto turn = [&](Grid<double>& grid) {
    return reference::rope<double>({.x = grid.heads(heads),
                                    .positions = test::row_view(positions),
                                    .y = grid.heads(heads),
                                    .pairing = pairing,
                                    .rope_dims = 4,
                                    .base = 100,
                                    .factor = 2});
  };
  RC_ASSERT(
      reference::rmsnorm<double>({.x = x.view(), .weight = weight, .y = n.view(), .eps = 1e-3f}).has_value());
  RC_ASSERT(reference::linear<double>(
                {.x = n.view(), .w = q_matrix, .bias = test::row_view(bias), .y = want_q.view()})
                .has_value());
  RC_ASSERT(
      reference::linear<double>({.x = n.view(), .w = k_matrix, .bias = {}, .y = want_k.view()}).has_value());
  const std::vector<double> want_v = want_k.dense();
  RC_ASSERT(turn(want_q).has_value());
  RC_ASSERT(turn(want_k).has_value());
  RC_ASSERT((reference::norm_qkv_rope_append<double, double>({.x = x.view(),
                                                              .norm_weight = weight,
                                                              .norm_eps = 1e-3f,
                                                              .q = {q_matrix, test::row_view(bias)},
                                                              .k = {k_matrix, {}},
                                                              .v = {k_matrix, {}},
                                                              .positions = test::row_view(positions),
                                                              .pairing = pairing,
                                                              .rope_dims = 4,
                                                              .rope_base = 100,
                                                              .rope_factor = 2,
                                                              .y = y.heads(heads),
                                                              .cache = pool.view()}))
                .has_value());
  RC_ASSERT(y.dense() == want_q.dense());
  const auto cache = pool.view();
  const int64_t page = pool.table[static_cast<size_t>(positions[0] / 16)], row = positions[0] % 16;
  for (int64_t j = 0; j < rows; ++j) {
    RC_ASSERT(cache.k(page, j / head_dim, row, j % head_dim) == want_k(0, j));
    RC_ASSERT(cache.v(page, j / head_dim, row, j % head_dim) == want_v[static_cast<size_t>(j)]);
  }
}

struct NormQkvRopeAppendRefusal : testing::Test {
  Grid<double> x{1, 2, {3, -3}};
  std::vector<float> norm = {1, 2}, values = {1, 2, 3, 4, 5, 6, 7, 8};
  std::vector<int64_t> positions = {17};
  Pool<double> pool{.pages = 2, .kv_heads = 1, .head_dim = 2, .table = {1, 0}};
  Grid<double> y{1, 4};
  ops::Matrix<Space::Host> q = test::f32_matrix(values, 4, 2), k = {q.data, q.type, 2, 2};
  ops::NormQkvRopeAppend<double, double, Space::Host> op{.x = x.view(),
                                                         .norm_weight = test::row_view(norm),
                                                         .norm_eps = 0,
                                                         .q = {q, {}},
                                                         .k = {k, {}},
                                                         .v = {k, {}},
                                                         .positions = test::row_view(positions),
                                                         .pairing = ops::Pairing::halves,
                                                         .rope_dims = 2,
                                                         .rope_base = 10000,
                                                         .rope_factor = 1,
                                                         .y = y.heads(2),
                                                         .cache = pool.view()};
  std::string refusal() { return test::message(reference::norm_qkv_rope_append<double, double>(op)); }
};

TEST_F(NormQkvRopeAppendRefusal, AcceptsTheUnspoiltCase) { EXPECT_EQ(refusal(), "accepted"); }
TEST_F(NormQkvRopeAppendRefusal, NamesAKeyMatrixOfAnotherShape) {
  op.k.w.rows = 1;
  EXPECT_EQ(refusal(), "norm_qkv_rope_append.k: shape [1, 2], expected [2, 2] (bad_shape)");
}
TEST_F(NormQkvRopeAppendRefusal, NamesAWrongBias) {
  op.v.bias = test::row_view(norm);
  op.v.bias.shape = {1};
  EXPECT_EQ(refusal(), "norm_qkv_rope_append.v.bias: shape [1], expected [2] (bad_shape)");
}
TEST_F(NormQkvRopeAppendRefusal, NamesAPositionBeyondTheTable) {
  positions[0] = 32;
  EXPECT_EQ(refusal(), "norm_qkv_rope_append.positions: 32, expected 0 to 31 (unsupported)");
}
TEST_F(NormQkvRopeAppendRefusal, NamesAPageBeyondThePool) {
  pool.table[1] = 2;
  EXPECT_EQ(refusal(), "norm_qkv_rope_append.table: 2, expected 0 to 1 (unsupported)");
}
TEST_F(NormQkvRopeAppendRefusal, NamesAnOddHead) {
  op.y = {op.y.data, {1, 4, 1}};
  op.rope_dims = 2;
  EXPECT_EQ(refusal(), "norm_qkv_rope_append.head_dim: 1, expected an even number (unsupported)");
}

}  // namespace
}  // namespace kigo
