#include "reference/linear_fast.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "reference/linear.h"
#include "tests/reference/support.h"

namespace kigo {
namespace {

using reference::fast_widths;
using reference::linear_fast;
using test::Grid;

template <class T>
Status run_fast(Grid<T>& x, const ops::Matrix<Space::Host>& w, const std::vector<float>& bias, Grid<T>& y,
                int64_t width = 0) {
  return linear_fast<T>({.x = x.view(), .w = w, .bias = test::row_view(bias), .y = y.view()}, width);
}

TEST(LinearFast, WorkedExample) {
  const std::vector<float> w = {1,      2,  3,
                                /**/ 0, -1, 4};  // two rows of three: y = (x0 + 2 x1 + 3 x2, 4 x2 - x1)
  Grid<double> x(2, 3, {1, 1, 1, /**/ 2, 0, -1}, 1);
  Grid<double> y(2, 2, 3);
  ASSERT_TRUE(run_fast(x, test::f32_matrix(w, 2, 3), {10, 20}, y));
  EXPECT_EQ(y.dense(), (std::vector<double>{16, 23, /**/ 9, 16}));
}

TEST(LinearFast, TakesNoBiasForZero) {
  const std::vector<float> w = {3, 4};
  Grid<float> x(1, 2, {5, 6}), y(1, 1);
  ASSERT_TRUE(linear_fast<float>({.x = x.view(), .w = test::f32_matrix(w, 1, 2), .bias = {}, .y = y.view()}));
  EXPECT_EQ(y(0, 0), 39);
}

TEST(LinearFast, SumsALaneInFloatWithinABlock) {
  // Columns 0 and 16 share a lane: in float 2^24 + 1 loses the 1.
  std::vector<float> w(17, 0.0f);
  w[0] = 0x1p24f, w[16] = 1;
  Grid<double> x(1, 17), y(1, 1);
  for (int64_t i = 0; i < 17; ++i) x(0, i) = 1;
  ASSERT_TRUE(run_fast(x, test::f32_matrix(w, 1, 17), {0}, y));
  EXPECT_EQ(y(0, 0), 0x1p24);
}

TEST(LinearFast, SumsLanesAndBlocksInDouble) {
  // Columns 0 and 1 are different lanes, 0 and 256 the same lane of two blocks.
  for (const size_t other : {1u, 256u}) {
    std::vector<float> w(257, 0.0f);
    w[0] = 0x1p24f, w[other] = 1;
    Grid<double> x(1, 257), y(1, 1);
    for (int64_t i = 0; i < 257; ++i) x(0, i) = 1;
    ASSERT_TRUE(run_fast(x, test::f32_matrix(w, 1, 257), {0}, y));
    EXPECT_EQ(y(0, 0), 0x1p24 + 1) << other;
  }
}

/// The order of the docstring, one element and one column at a time.
double written_out(const Grid<double>& x, int64_t t, const float* w, float bias) {
  double lanes[16] = {};
  for (int64_t lane = 0; lane < 16; ++lane) {
    for (int64_t block = 0; block < x.width(); block += 256) {
      float sum = 0;
      for (int64_t i = block + lane; i < std::min(block + 256, x.width()); i += 16)
        sum += w[i] * static_cast<float>(x(t, i));
      lanes[lane] += double{sum};
    }
  }
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum + double{bias};
}
std::vector<double> written_out(const Grid<double>& x, const std::vector<float>& w,
                                const std::vector<float>& bias) {
  std::vector<double> y;
  for (int64_t t = 0; t < x.rows(); ++t) {
    for (size_t j = 0; j < bias.size(); ++j)
      y.push_back(written_out(x, t, w.data() + static_cast<int64_t>(j) * x.width(), bias[j]));
  }
  return y;
}

RC_GTEST_PROP(LinearFast, HasTheBitsOfItsOrderForAnyShapeAndVectorWidth, ()) {
  const auto tokens = *rc::gen::inRange<int64_t>(1, 14);
  const auto rows = *rc::gen::inRange<int64_t>(1, 14);
  const auto cols = *rc::gen::oneOf(rc::gen::inRange<int64_t>(1, 70), rc::gen::inRange<int64_t>(200, 800));
  const auto width = *rc::gen::elementOf(std::vector<int64_t>(fast_widths().begin(), fast_widths().end()));
  Grid<double> x = Grid<double>::random(tokens, cols, *rc::gen::arbitrary<uint64_t>(), 2);
  const std::vector<float> w = test::random_floats(rows * cols, *rc::gen::arbitrary<uint64_t>());
  const std::vector<float> bias = test::random_floats(rows, 1);
  Grid<double> y(tokens, rows, 1);
  RC_ASSERT(run_fast(x, test::f32_matrix(w, rows, cols), bias, y, width).has_value());
  RC_ASSERT(y.dense() == written_out(x, w, bias));
}

TEST(LinearFast, HasTheBitsOfItsOrderWhenSeveralThreadsShareTheRows) {
  Grid<double> x = Grid<double>::random(7, 300, 1);
  const std::vector<float> w = test::random_floats(1027 * 300, 2);
  const std::vector<float> bias = test::random_floats(1027, 3);
  Grid<double> y(7, 1027);
  ASSERT_TRUE(run_fast(x, test::f32_matrix(w, 1027, 300), bias, y));
  EXPECT_EQ(y.dense(), written_out(x, w, bias));
}

TEST(LinearFast, ReadsNothingBehindTheLastRow) {
  const test::BeforeTheWall w(std::vector<float>(5 * 3, 2.0f));  // five rows: one more than a tile
  Grid<double> x(1, 3, {1, 2, 3}), y(1, 5);
  ASSERT_TRUE(run_fast(x, {w.data(), quant::find_tensor_type("F32"), 5, 3}, {0, 0, 0, 0, 0}, y));
  EXPECT_EQ(y.dense(), (std::vector<double>(5, 12.0)));
}

TEST(LinearFast, RoundsTheSumOnceToFloat) {
  const std::vector<float> w = {1, 1};
  Grid<float> x(1, 2, {0x1p24, 1}), y(1, 1);
  ASSERT_TRUE(run_fast(x, test::f32_matrix(w, 1, 2), {0x1p-20f}, y));  // halfway in float, but for the bias
  EXPECT_EQ(y(0, 0), 0x1p24f + 2);
}

TEST(LinearFast, KnowsVectorsOfFourEightAndSixteenFloats) {
  const std::vector<int64_t> all = {4, 8, 16};
  ASSERT_TRUE(fast_widths().size() >= 1 && fast_widths().size() <= 3);
  EXPECT_TRUE(std::ranges::equal(fast_widths(), std::span(all).first(fast_widths().size())));
}

TEST(LinearFast, CountsTheRoundingsOfATerm) {
  // x, the product, and 16 terms of a lane within a block, of which the first is exact to add.
  EXPECT_EQ(reference::kFastRoundings, 1 + 1 + 15);
}

/// Any blocks of the type whose values are all smaller than 2^30.
std::vector<std::byte> any_blocks(const quant::TensorType& type, int64_t count, uint64_t seed) {
  std::vector<std::byte> blocks(static_cast<size_t>(count) * type.block_bytes);
  std::vector<float> values(type.block_values);
  Random random(seed);
  for (std::byte* block = blocks.data(); block != blocks.data() + blocks.size(); block += type.block_bytes) {
    do {
      for (uint32_t k = 0; k < type.block_bytes; ++k) block[k] = static_cast<std::byte>(random.below(256));
      type.decode(block, type.block_values, values.data());
    } while (!std::ranges::all_of(values, [](float value) { return std::abs(value) < 0x1p30f; }));
  }
  return blocks;
}

/// The docstring's bound for y[t, j], with the plain twin's own on top.
double bound(const Grid<double>& x, int64_t t, const float* w, float bias, double want) {
  const auto n = static_cast<double>(x.width());
  double sum = std::abs(double{bias}), lost = 0;
  for (int64_t i = 0; i < x.width(); ++i) {
    sum += std::abs(double{w[i]} * x(t, i));
    lost += 0x1p-149 * (std::abs(double{w[i]}) + 1);
  }
  const double m = reference::kFastRoundings;
  return 1.02 * (m * 0x1p-24 + (n / 256 + 18 + n + 1) * 0x1p-53) * sum + lost + 0x1p-53 * std::abs(want);
}

/// Error of one case as a share of its bound; infinite for NaN.
double worst_share(const quant::TensorType& type, int64_t tokens, int64_t rows, int64_t blocks, double scale,
                   uint64_t seed) {
  const int64_t cols = blocks * type.block_values;
  const auto bytes = any_blocks(type, rows * blocks, seed);
  const ops::Matrix<Space::Host> w{bytes.data(), &type, rows, cols};
  Grid<double> x = Grid<double>::random(tokens, cols, seed + 1, 1);
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t i = 0; i < cols; ++i) x(t, i) *= scale;
  }
  const std::vector<float> bias = test::random_floats(rows, seed + 2);
  Grid<double> got(tokens, rows), want(tokens, rows);
  EXPECT_TRUE(run_fast(x, w, bias, got));
  EXPECT_TRUE(reference::linear<double>({x.view(), w, test::row_view(bias), want.view()}));
  std::vector<float> row(static_cast<size_t>(cols));
  double worst = 0;
  for (int64_t j = 0; j < rows; ++j) {
    type.decode(bytes.data() + j * w.row_bytes(), cols, row.data());
    for (int64_t t = 0; t < tokens; ++t) {
      const double limit = bound(x, t, row.data(), bias[static_cast<size_t>(j)], want(t, j));
      const double share = std::abs(got(t, j) - want(t, j)) / limit;
      worst = std::isnan(share) ? INFINITY : std::max(worst, share);
    }
  }
  return worst;
}

std::vector<const quant::TensorType*> decodable() {
  std::vector<const quant::TensorType*> types;
  for (const quant::TensorType& type : quant::tensor_types()) {
    if (type.decode != nullptr) types.push_back(&type);
  }
  return types;
}

RC_GTEST_PROP(LinearFast, StaysWithinItsBoundOfThePlainTwinForEveryFormat, ()) {
  const quant::TensorType& type = **rc::gen::elementOf(decodable());
  const auto tokens = *rc::gen::inRange<int64_t>(1, 10);
  const auto rows = *rc::gen::inRange<int64_t>(1, 10);
  const auto blocks = *rc::gen::inRange<int64_t>(1, type.block_values == 1 ? 900 : 5);
  const double scale = *rc::gen::element(1e-30, 1e-3, 1.0, 1e6);
  RC_ASSERT(worst_share(type, tokens, rows, blocks, scale, *rc::gen::arbitrary<uint64_t>()) <= 1);
}

TEST(LinearFast, TheBoundIsNotIdle) {
  for (const quant::TensorType* type : decodable())
    EXPECT_GT(worst_share(*type, 8, 16, 2, 1, 7), 0.01) << type->name;
}

TEST(LinearFast, HasNoFiniteResultForWhatFloatCannotHold) {
  const std::vector<float> w = {1, 1};
  Grid<double> x(2, 2, {1e39, 1, /**/ 1e39, -1e39}), y(2, 1);
  ASSERT_TRUE(run_fast(x, test::f32_matrix(w, 1, 2), {0}, y));
  EXPECT_EQ(y(0, 0), INFINITY);
  EXPECT_TRUE(std::isnan(y(1, 0)));
}

TEST(LinearFast, RefusesWhatThePlainTwinRefuses) {
  Grid<double> x(2, 3, {1, 2, 3, 4, 5, 6}), y(2, 5);
  const std::vector<float> w = test::random_floats(12, 1);
  EXPECT_EQ(test::message(run_fast(x, test::f32_matrix(w, 4, 3), {1, 2, 3, 4}, y)),
            "linear.y: shape [2, 5], expected [2, 4] (bad_shape)");
}

TEST(LinearFast, TakesNoTokensForNothingToDo) {
  const std::vector<float> w = {1, 2};
  EXPECT_TRUE(linear_fast<double>({{nullptr, {0, 2}}, test::f32_matrix(w, 1, 2), {}, {nullptr, {0, 1}}}));
}

TEST(LinearFastDeathTest, EndsTheProcessForAWidthThatIsNotThere) {
  Grid<double> x(1, 1, {1.0}), y(1, 1);
  const std::vector<float> w = {1};
  EXPECT_DEATH((void)run_fast(x, test::f32_matrix(w, 1, 1), {0}, y, 5), "linear_fast.cc");
}

}  // namespace
}  // namespace kigo
