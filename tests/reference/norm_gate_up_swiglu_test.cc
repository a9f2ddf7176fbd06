#include "reference/norm_gate_up_swiglu.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "reference/linear.h"
#include "reference/rmsnorm.h"
#include "reference/swiglu.h"
#include "tests/reference/support.h"

namespace kigo {
namespace {

using test::Grid;

TEST(NormGateUpSwiGlu, WorkedExample) {
  // Mean square of (3, 4, 0, 5) is 50 / 4; eps 12.5 makes it 25, the root 5. With weights 5, 5, 5, 10 the
  // norm gives n = (3, 4, 0, 10). Gate rows give 0 and ln 3 * 10: silu(0) = 0 and 10 ln 3 / (1 + 3^-10). Up
  // rows give 7 and 0.5 * 10 - 4 = 1.
  const float ln3 = static_cast<float>(std::log(3.0));
  Grid<double> x(1, 4, {3, 4, 0, 5});
  const std::vector<float> norm = {5, 5, 5, 10};
  const std::vector<float> gate = {4, -3, 9, 0, /**/ 0, 0, 0, ln3};
  const std::vector<float> up = {1, 1, 7, 0, /**/ 0, -1, 0, 0.5};
  Grid<double> y(1, 2);
  ASSERT_TRUE(reference::norm_gate_up_swiglu<double>({.x = x.view(),
                                                      .norm_weight = test::row_view(norm),
                                                      .norm_eps = 12.5f,
                                                      .gate = test::f32_matrix(gate, 2, 4),
                                                      .up = test::f32_matrix(up, 2, 4),
                                                      .y = y.view()}));
  const double z = 10 * double{ln3};
  EXPECT_EQ(y(0, 0), 0.0);
  EXPECT_NEAR(y(0, 1), z / (1 + std::exp(-z)), 1e-13);
}

TEST(NormGateUpSwiGlu, TellsGateFromUp) {
  // n = 1: silu(2) * 3, not silu(3) * 2.
  Grid<double> x(1, 1, {7});
  Grid<double> y(1, 1);
  const std::vector<float> norm = {1}, gate = {2}, up = {3};
  ASSERT_TRUE(reference::norm_gate_up_swiglu<double>({.x = x.view(),
                                                      .norm_weight = test::row_view(norm),
                                                      .norm_eps = 0,
                                                      .gate = test::f32_matrix(gate, 1, 1),
                                                      .up = test::f32_matrix(up, 1, 1),
                                                      .y = y.view()}));
  EXPECT_NEAR(y(0, 0), 2 / (1 + std::exp(-2.0)) * 3, 1e-14);
}

RC_GTEST_PROP(NormGateUpSwiGlu, IsTheCompositionOfItsOps, ()) {
  const auto width = *rc::gen::inRange<int64_t>(1, 40), ffn = *rc::gen::inRange<int64_t>(1, 20);
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  Grid<double> x = Grid<double>::random(1, width, seed);
  const std::vector<float> norm = test::random_floats(width, seed + 1);
  const std::vector<float> gates = test::random_floats(width * ffn, seed + 2);
  const std::vector<float> ups = test::random_floats(width * ffn, seed + 3);
  const auto gate = test::f32_matrix(gates, ffn, width), up = test::f32_matrix(ups, ffn, width);
  Grid<double> n(1, width), g(1, ffn), u(1, ffn), want(1, ffn), y(1, ffn);
  const auto weight = test::row_view(norm);
  RC_ASSERT(
      reference::rmsnorm<double>({.x = x.view(), .weight = weight, .y = n.view(), .eps = 1e-3f}).has_value());
  RC_ASSERT(reference::linear<double>({.x = n.view(), .w = gate, .bias = {}, .y = g.view()}).has_value());
  RC_ASSERT(reference::linear<double>({.x = n.view(), .w = up, .bias = {}, .y = u.view()}).has_value());
  RC_ASSERT(reference::swiglu<double>({.gate = g.view(), .up = u.view(), .y = want.view()}).has_value());
  RC_ASSERT(
      reference::norm_gate_up_swiglu<double>(
          {.x = x.view(), .norm_weight = weight, .norm_eps = 1e-3f, .gate = gate, .up = up, .y = y.view()})
          .has_value());
  RC_ASSERT(y.dense() == want.dense());
}

struct NormGateUpSwiGluRefusal : testing::Test {
  std::vector<float> norm = {1, 1, 1}, gate = {1, 2, 3, 4, 5, 6}, up = gate;
  Grid<double> x{1, 3, {1, 2, 3}};
  Grid<double> y{1, 2};
  ops::NormGateUpSwiGlu<double, Space::Host> op{.x = x.view(),
                                                .norm_weight = test::row_view(norm),
                                                .norm_eps = 1e-6f,
                                                .gate = test::f32_matrix(gate, 2, 3),
                                                .up = test::f32_matrix(up, 2, 3),
                                                .y = y.view()};
  std::string refusal() { return test::message(reference::norm_gate_up_swiglu<double>(op)); }
};

TEST_F(NormGateUpSwiGluRefusal, AcceptsTheUnspoiltCase) { EXPECT_EQ(refusal(), "accepted"); }
TEST_F(NormGateUpSwiGluRefusal, NamesASecondToken) {
  op.x.shape = {2, 3};
  EXPECT_EQ(refusal(), "norm_gate_up_swiglu.tokens: 2, expected 1 to 1 (unsupported)");
}
TEST_F(NormGateUpSwiGluRefusal, NamesAWrongNormWeight) {
  op.norm_weight.shape = {2};
  EXPECT_EQ(refusal(), "norm_gate_up_swiglu.weight: shape [2], expected [3] (bad_shape)");
}
TEST_F(NormGateUpSwiGluRefusal, NamesAnUpOfAnotherShape) {
  op.up.rows = 1;
  EXPECT_EQ(refusal(), "norm_gate_up_swiglu: gate [2, 3], up [1, 3], expected both [2, 3] (bad_shape)");
}
TEST_F(NormGateUpSwiGluRefusal, NamesMatricesOfAnotherWidth) {
  op.gate.cols = op.up.cols = 2;
  EXPECT_EQ(refusal(), "norm_gate_up_swiglu: gate [2, 2], up [2, 2], expected both [2, 3] (bad_shape)");
}
TEST_F(NormGateUpSwiGluRefusal, NamesAWrongOutput) {
  op.y = {op.y.data, {1, 1}};
  EXPECT_EQ(refusal(), "norm_gate_up_swiglu.y: shape [1, 1], expected [1, 2] (bad_shape)");
}

}  // namespace
}  // namespace kigo
