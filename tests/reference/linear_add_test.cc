#include "reference/linear_add.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "reference/add.h"
#include "reference/linear.h"
#include "tests/reference/support.h"

namespace kigo {
namespace {

using test::Grid;

TEST(LinearAdd, WorkedExample) {
  const std::vector<float> w = {1,      2,  3,
                                /**/ 0, -1, 4};  // two rows of three: x0 + 2 x1 + 3 x2, 4 x2 - x1
  Grid<double> x(1, 3, {2, 0, -1});
  Grid<double> residual(1, 2, {100, 200});
  Grid<double> y(1, 2);
  ASSERT_TRUE(reference::linear_add<double>(
      {.x = x.view(), .w = test::f32_matrix(w, 2, 3), .residual = residual.view(), .y = y.view()}));
  EXPECT_EQ(y.dense(), (std::vector<double>{99, 196}));
}

TEST(LinearAdd, RoundsOnceToFloat) {
  // 2^24 + (0.75 + 0.75) = 2^24 + 1.5 rounds to 2^24 + 2. A product rounded to float first gives the same; a
  // sum that starts with the residual gives 2^24, since each 0.75 is below half of a step of 2.
  const std::vector<float> w = {0.75f, 0.75f};
  Grid<float> x(1, 2, {1, 1});
  Grid<float> residual(1, 1, {16777216});
  Grid<float> y(1, 1);
  ASSERT_TRUE(reference::linear_add<float>(
      {.x = x.view(), .w = test::f32_matrix(w, 1, 2), .residual = residual.view(), .y = y.view()}));
  EXPECT_EQ(y(0, 0), 16777218.0f);
}

RC_GTEST_PROP(LinearAdd, IsLinearThenAddAlsoInPlace, ()) {
  const auto in = *rc::gen::inRange<int64_t>(1, 40), out = *rc::gen::inRange<int64_t>(1, 20);
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  const std::vector<float> values = test::random_floats(in * out, seed);
  const ops::Matrix<Space::Host> w = test::f32_matrix(values, out, in);
  Grid<double> x = Grid<double>::random(1, in, seed + 1), stream = Grid<double>::random(1, out, seed + 2);
  Grid<double> product(1, out), want(1, out);
  RC_ASSERT(reference::linear<double>({.x = x.view(), .w = w, .bias = {}, .y = product.view()}).has_value());
  RC_ASSERT(reference::add<double>({.a = stream.view(), .b = product.view(), .y = want.view()}).has_value());
  RC_ASSERT(
      reference::linear_add<double>({.x = x.view(), .w = w, .residual = stream.view(), .y = stream.view()})
          .has_value());
  RC_ASSERT(stream.dense() == want.dense());
}

struct LinearAddRefusal : testing::Test {
  std::vector<float> values = {1, 2, 3, 4, 5, 6};
  Grid<double> x{1, 3, {1, 2, 3}};
  Grid<double> residual{1, 2, {1, 2}};
  Grid<double> y{1, 2};
  ops::LinearAdd<double, Space::Host> op{
      .x = x.view(), .w = test::f32_matrix(values, 2, 3), .residual = residual.view(), .y = y.view()};
  std::string refusal() { return test::message(reference::linear_add<double>(op)); }
};

TEST_F(LinearAddRefusal, AcceptsTheUnspoiltCase) { EXPECT_EQ(refusal(), "accepted"); }
TEST_F(LinearAddRefusal, NamesASecondToken) {
  op.x.shape = {2, 3};
  EXPECT_EQ(refusal(), "linear_add.tokens: 2, expected 1 to 1 (unsupported)");
}
TEST_F(LinearAddRefusal, NamesAWrongInput) {
  op.x = {op.x.data, {1, 2}};
  EXPECT_EQ(refusal(), "linear_add.x: shape [1, 2], expected [1, 3] (bad_shape)");
}
TEST_F(LinearAddRefusal, NamesAWrongResidual) {
  op.residual = {op.residual.data, {1, 3}};
  EXPECT_EQ(refusal(), "linear_add.residual: shape [1, 3], expected [1, 2] (bad_shape)");
}
TEST_F(LinearAddRefusal, NamesAMissingOutput) {
  op.y.data = nullptr;
  EXPECT_EQ(refusal(), "linear_add.y: no data, expected memory for [1, 2] (bad_shape)");
}

}  // namespace
}  // namespace kigo
