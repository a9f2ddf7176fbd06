#include "reference/rmsnorm.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "tests/reference/support.h"

namespace kigo {
namespace {

using test::Grid;

template <class T>
Status run(Grid<T>& x, const std::vector<float>& weight, Grid<T>& y, float eps = 0) {
  return reference::rmsnorm<T>({.x = x.view(), .weight = test::row_view(weight), .y = y.view(), .eps = eps});
}

TEST(RmsNorm, WorkedExample) {
  // Row 0: mean of squares (1 + 4 + 4 + 16) / 4 = 6.25, root 2.5. Row 1: mean 4 * 9 / 4 = 9, root 3.
  Grid<double> x(2, 4, {1, -2, 2, 4, /**/ 3, 3, -3, 3}, 3);
  const std::vector<float> weight = {1, 1, 10, 0.5};
  Grid<double> y(2, 4, 1);
  ASSERT_TRUE(run(x, weight, y));
  EXPECT_EQ(y.dense(), (std::vector<double>{0.4, -0.8, 8, 0.8, /**/ 1, 1, -10, 0.5}));
}

TEST(RmsNorm, AddsEpsInsideTheRoot) {
  // Mean of squares 9, eps 7, root of 16 is 4. Outside the root it would be 3 + 7 = 10.
  Grid<double> x(1, 2, {3, -3});
  const std::vector<float> weight = {4, 4};
  Grid<double> y(1, 2);
  ASSERT_TRUE(run(x, weight, y, 7.0f));
  EXPECT_EQ(y.dense(), (std::vector<double>{3, -3}));
}

TEST(RmsNorm, GivesZerosForZeros) {
  Grid<double> x(1, 2, {0, 0});
  Grid<double> y(1, 2);
  ASSERT_TRUE(run(x, {1, 1}, y, 1e-6f));
  EXPECT_EQ(y.dense(), (std::vector<double>{0, 0}));
}

TEST(RmsNorm, RoundsOnceToFloat) {
  Grid<float> x(1, 3, {1, 1, 0});  // root of 2/3
  Grid<float> y(1, 3);
  ASSERT_TRUE(run(x, {1, 1, 1}, y));
  EXPECT_EQ(y(0, 0), static_cast<float>(std::sqrt(1.5)));
}

TEST(RmsNorm, MayWriteOverItsInput) {
  Grid<double> x = Grid<double>::random(3, 5, 1);
  Grid<double> y(3, 5);
  const std::vector<float> weight = test::random_floats(5, 2);
  ASSERT_TRUE(run(x, weight, y, 1e-5f));
  ASSERT_TRUE(run(x, weight, x, 1e-5f));
  EXPECT_EQ(x.dense(), y.dense());
}

RC_GTEST_PROP(RmsNorm, ScalingByAPowerOfTwoChangesNoBitWithoutEps, ()) {
  const auto width = *rc::gen::inRange<int64_t>(1, 40);
  const auto exponent = *rc::gen::inRange(-20, 21);
  Grid<double> x = Grid<double>::random(1, width, *rc::gen::arbitrary<uint64_t>());
  const std::vector<float> weight = test::random_floats(width, 3);
  Grid<double> y(1, width);
  Grid<double> scaled(1, width);
  RC_ASSERT(run(x, weight, y).has_value());
  for (int64_t i = 0; i < width; ++i) x(0, i) = std::ldexp(x(0, i), exponent);
  RC_ASSERT(run(x, weight, scaled).has_value());
  // The squares scale by 4^exponent exactly, and so do mean, root and quotient: the same bits.
  RC_ASSERT(y.dense() == scaled.dense());
}

RC_GTEST_PROP(RmsNorm, HasAMeanSquareOfOneForWeightsOfOne, ()) {
  const auto width = *rc::gen::inRange<int64_t>(1, 300);
  Grid<double> x = Grid<double>::random(1, width, *rc::gen::arbitrary<uint64_t>());
  Grid<double> y(1, width);
  RC_ASSERT(run(x, std::vector<float>(static_cast<size_t>(width), 1.0f), y).has_value());
  double squares = 0;
  for (const double v : y.dense()) squares += v * v;
  // Each sum of n non-negative terms is off by at most n units of 2^-53; n <= 300, twice, plus the roundings
  // of root and quotient.
  RC_ASSERT(std::abs(squares / static_cast<double>(width) - 1) <= 604 * 0x1p-53);
}

struct RmsNormRefusal : testing::Test {
  Grid<double> x{2, 3, {1, 2, 3, 4, 5, 6}, 1};
  Grid<double> y{2, 3};
  std::vector<float> weight = {1, 1, 1};
  ops::RmsNorm<double, Space::Host> op{
      .x = x.view(), .weight = test::row_view(weight), .y = y.view(), .eps = 1e-6f};
  std::string refusal() { return test::message(reference::rmsnorm<double>(op)); }
};

TEST_F(RmsNormRefusal, AcceptsTheUnspoiltCase) { EXPECT_EQ(refusal(), "accepted"); }
TEST_F(RmsNormRefusal, NamesAWrongWeight) {
  op.weight.shape = {2};
  EXPECT_EQ(refusal(), "rmsnorm.weight: shape [2], expected [3] (bad_shape)");
}
TEST_F(RmsNormRefusal, NamesAWrongOutput) {
  op.y.shape = {3, 3};
  EXPECT_EQ(refusal(), "rmsnorm.y: shape [3, 3], expected [2, 3] (bad_shape)");
}
TEST_F(RmsNormRefusal, NamesOverlappingRows) {
  op.x.stride = {2, 1};
  EXPECT_EQ(refusal(), "rmsnorm.x: stride [2, 1], expected at least 3 on axis 0 (bad_shape)");
}
TEST_F(RmsNormRefusal, NamesAScatteredRow) {
  op.x.stride = {4, 2};
  EXPECT_EQ(refusal(), "rmsnorm.x: stride [4, 2], expected 1 on the last axis (bad_shape)");
}
TEST_F(RmsNormRefusal, NamesANegativeSize) {
  op.x.shape = {-1, 3};
  EXPECT_EQ(refusal(), "rmsnorm.x: shape [-1, 3], expected no negative size (bad_shape)");
}
TEST_F(RmsNormRefusal, NamesAWidthOfZero) {
  op.x = {nullptr, {2, 0}};
  EXPECT_EQ(refusal(), "rmsnorm.width: 0, expected 1 to 32768 (unsupported)");
}
TEST_F(RmsNormRefusal, NamesANegativeEps) {
  op.eps = -1;
  EXPECT_EQ(refusal(), "rmsnorm.eps: -1, expected a finite number from 0 on (unsupported)");
}
TEST_F(RmsNormRefusal, NamesMissingMemory) {
  op.weight.data = nullptr;
  EXPECT_EQ(refusal(), "rmsnorm.weight: no data, expected memory for [3] (bad_shape)");
}

}  // namespace
}  // namespace kigo
