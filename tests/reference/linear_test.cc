#include "reference/linear.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "tests/reference/support.h"

namespace kigo {
namespace {

using test::Grid;

template <class T>
Status run(Grid<T>& x, const ops::Matrix<Space::Host>& w, const std::vector<float>& bias, Grid<T>& y) {
  return reference::linear<T>({.x = x.view(), .w = w, .bias = test::row_view(bias), .y = y.view()});
}

TEST(Linear, WorkedExample) {
  const std::vector<float> w = {1,      2,  3,
                                /**/ 0, -1, 4};  // two rows of three: y = (x0 + 2 x1 + 3 x2, 4 x2 - x1)
  Grid<double> x(2, 3, {1, 1, 1, /**/ 2, 0, -1}, 1);
  Grid<double> y(2, 2, 3);
  ASSERT_TRUE(run(x, test::f32_matrix(w, 2, 3), {10, 20}, y));
  EXPECT_EQ(y.dense(), (std::vector<double>{16, 23, /**/ 9, 16}));
}

TEST(Linear, TakesNoBiasForZero) {
  const std::vector<float> w = {3, 4};
  Grid<float> x(1, 2, {5, 6});
  Grid<float> y(1, 1);
  ASSERT_TRUE(
      reference::linear<float>({.x = x.view(), .w = test::f32_matrix(w, 1, 2), .bias = {}, .y = y.view()}));
  EXPECT_EQ(y(0, 0), 39);
}

TEST(Linear, SumsInDoubleFromTheFirstColumnToTheLast) {
  // In float 1e8 + 1 - 1e8 gives 0; in another order of the columns double gives something else than 1 for
  // the second row: (2^53 + 1) loses the 1, (2^53 - 2^53) + 1 keeps it.
  const std::vector<float> w = {1e8f, 1, -1e8f, /**/ 0x1p53f, 1, -0x1p53f, /**/ 0x1p53f, -0x1p53f, 1};
  Grid<double> x(1, 3, {1, 1, 1});
  Grid<double> y(1, 3);
  ASSERT_TRUE(run(x, test::f32_matrix(w, 3, 3), {0, 0, 0}, y));
  EXPECT_EQ(y.dense(), (std::vector<double>{1, 0, 1}));
}

TEST(Linear, DecodesQuantisedRows) {
  // Two rows of one Q8_0 block each with scales 0.5 (0x3800) and 2 (0x4000); all bytes 1 and 3.
  std::vector<std::byte> w(2 * 34, std::byte{1});
  std::fill(w.begin() + 34, w.end(), std::byte{3});
  w[0] = w[34] = std::byte{0};
  w[1] = std::byte{0x38};
  w[35] = std::byte{0x40};
  Grid<double> x(1, 32);
  for (int64_t i = 0; i < 32; ++i) x(0, i) = static_cast<double>(i);  // the sum is 496
  Grid<double> y(1, 2);
  ASSERT_TRUE(run(x, {w.data(), quant::find_tensor_type("Q8_0"), 2, 32}, {0, 0}, y));
  EXPECT_EQ(y.dense(), (std::vector<double>{248, 2976}));
}

/// The formula as it stands, one element at a time.
std::vector<double> textbook(const Grid<double>& x, const std::vector<float>& w,
                             const std::vector<float>& bias) {
  std::vector<double> y;
  for (int64_t t = 0; t < x.rows(); ++t) {
    for (size_t j = 0; j < bias.size(); ++j) {
      double sum = 0;
      for (int64_t i = 0; i < x.width(); ++i) {
        sum += x(t, i) * double{w[j * static_cast<size_t>(x.width()) + static_cast<size_t>(i)]};
      }
      y.push_back(sum + double{bias[j]});
    }
  }
  return y;
}

TEST(Linear, ReadsNothingBehindTheLastRow) {
  const test::BeforeTheWall w(std::vector<float>(5 * 3, 2.0f));  // five rows: one more than a tile
  Grid<double> x(1, 3, {1, 2, 3}), y(1, 5);
  ASSERT_TRUE(run(x, {w.data(), quant::find_tensor_type("F32"), 5, 3}, {0, 0, 0, 0, 0}, y));
  EXPECT_EQ(y.dense(), (std::vector<double>(5, 12.0)));
}

RC_GTEST_PROP(Linear, HasTheBitsOfTheTextbookLoopForAnyNumberOfTokensAndRows, ()) {
  const auto tokens = *rc::gen::inRange<int64_t>(1, 14);
  const auto rows = *rc::gen::inRange<int64_t>(1, 14);
  const auto cols = *rc::gen::inRange<int64_t>(1, 70);
  Grid<double> x = Grid<double>::random(tokens, cols, *rc::gen::arbitrary<uint64_t>(), 2);
  const std::vector<float> w = test::random_floats(rows * cols, *rc::gen::arbitrary<uint64_t>());
  const std::vector<float> bias = test::random_floats(rows, 1);
  Grid<double> y(tokens, rows, 1);
  RC_ASSERT(run(x, test::f32_matrix(w, rows, cols), bias, y).has_value());
  RC_ASSERT(y.dense() == textbook(x, w, bias));
}

TEST(Linear, HasTheBitsOfTheTextbookLoopWhenSeveralThreadsShareTheRows) {
  Grid<double> x = Grid<double>::random(5, 256, 1);
  const std::vector<float> w = test::random_floats(1027 * 256, 2);
  const std::vector<float> bias = test::random_floats(1027, 3);
  Grid<double> y(5, 1027);
  ASSERT_TRUE(run(x, test::f32_matrix(w, 1027, 256), bias, y));
  EXPECT_EQ(y.dense(), textbook(x, w, bias));
}

TEST(Linear, IsLinearInX) {
  // Whole numbers: every product and sum is exact, so W(2a + b) = 2 Wa + Wb holds to the bit.
  std::vector<float> w = test::random_floats(7 * 9, 4);
  for (float& v : w) v = std::round(v * 8);
  Grid<double> a = Grid<double>::random(3, 9, 5);
  Grid<double> b = Grid<double>::random(3, 9, 6);
  Grid<double> mixed(3, 9);
  for (int64_t t = 0; t < 3; ++t) {
    for (int64_t i = 0; i < 9; ++i) {
      a(t, i) = std::round(a(t, i) * 8);
      b(t, i) = std::round(b(t, i) * 8);
      mixed(t, i) = 2 * a(t, i) + b(t, i);
    }
  }
  const std::vector<float> zero(7, 0.0f);
  Grid<double> wa(3, 7), wb(3, 7), wm(3, 7);
  ASSERT_TRUE(run(a, test::f32_matrix(w, 7, 9), zero, wa));
  ASSERT_TRUE(run(b, test::f32_matrix(w, 7, 9), zero, wb));
  ASSERT_TRUE(run(mixed, test::f32_matrix(w, 7, 9), zero, wm));
  for (int64_t t = 0; t < 3; ++t) {
    for (int64_t j = 0; j < 7; ++j) EXPECT_EQ(wm(t, j), 2 * wa(t, j) + wb(t, j));
  }
}

struct LinearRefusal : testing::Test {
  Grid<double> x{2, 3, {1, 2, 3, 4, 5, 6}};
  std::vector<float> w = test::random_floats(4 * 3, 1);
  std::vector<float> bias = {1, 2, 3, 4};
  Grid<double> y{2, 4};
  ops::Linear<double, Space::Host> op{
      .x = x.view(), .w = test::f32_matrix(w, 4, 3), .bias = test::row_view(bias), .y = y.view()};
  std::string refusal() { return test::message(reference::linear<double>(op)); }
};

TEST_F(LinearRefusal, AcceptsTheUnspoiltCase) { EXPECT_EQ(refusal(), "accepted"); }
TEST_F(LinearRefusal, NamesAnInputOfAnotherWidth) {
  op.x = {x.view().data, {2, 2}, {3, 1}};
  EXPECT_EQ(refusal(), "linear.x: shape [2, 2], expected [2, 3] (bad_shape)");
}
TEST_F(LinearRefusal, NamesAnOutputOfAnotherWidth) {
  op.y.shape = {2, 3};
  EXPECT_EQ(refusal(), "linear.y: shape [2, 3], expected [2, 4] (bad_shape)");
}
TEST_F(LinearRefusal, NamesAPartialBias) {
  op.bias.shape = {2};
  EXPECT_EQ(refusal(), "linear.bias: shape [2], expected [4] (bad_shape)");
}
TEST_F(LinearRefusal, NamesABiasWithoutMemory) {
  op.bias.data = nullptr;
  EXPECT_EQ(refusal(), "linear.bias: no data, expected memory for [4] (bad_shape)");
}
TEST_F(LinearRefusal, NamesAnEmptyBiasThatHasMemory) {
  op.bias.shape = {0};
  EXPECT_EQ(refusal(), "linear.bias: shape [0], expected [4] (bad_shape)");
}
TEST_F(LinearRefusal, NamesAMatrixWithoutMemory) {
  op.w.data = nullptr;
  EXPECT_EQ(refusal(), "linear.w: no data, expected memory for 4 rows (bad_shape)");
}
TEST_F(LinearRefusal, NamesAMatrixWithoutType) {
  op.w.type = nullptr;
  EXPECT_EQ(refusal(), "linear.w: no type, expected a type that can be decoded (unsupported)");
}
TEST_F(LinearRefusal, TakesNoTokensForNothingToDo) {
  op.x = {nullptr, {0, 3}};
  op.y = {nullptr, {0, 4}};
  EXPECT_EQ(refusal(), "accepted");
}

}  // namespace
}  // namespace kigo
