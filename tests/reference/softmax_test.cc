#include "reference/softmax.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "tests/reference/support.h"

namespace kigo {
namespace {

using test::Grid;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Grid<double> softmax_of(Grid<double> x) {
  Grid<double> y(x.rows(), x.width(), 1);
  const Status status = reference::softmax<double>({.x = x.view(), .y = y.view()});
  EXPECT_TRUE(status) << test::message(status);
  return y;
}

TEST(Softmax, WorkedExample) {
  // Row 0: e^0 : e^ln 3 = 1 : 3. Row 1: equal scores.
  const Grid<double> y = softmax_of({2, 2, {0, std::log(3.0), /**/ -7, -7}, 3});
  EXPECT_NEAR(y(0, 0), 0.25, 1e-15);
  EXPECT_NEAR(y(0, 1), 0.75, 1e-15);
  EXPECT_EQ(y(1, 0), 0.5);
  EXPECT_EQ(y(1, 1), 0.5);
}

TEST(Softmax, GivesZeroForMinusInfinity) {
  EXPECT_EQ(softmax_of({1, 3, {-kInfinity, 4, 4}}).dense(), (std::vector<double>{0, 0.5, 0.5}));
}

TEST(Softmax, SurvivesScoresThatWouldOverflowExp) {
  EXPECT_EQ(softmax_of({1, 2, {1e6, 1e6}}).dense(), (std::vector<double>{0.5, 0.5}));
  EXPECT_EQ(softmax_of({1, 3, {5000, 0, 0}}).dense(), (std::vector<double>{1, 0, 0}));
  EXPECT_EQ(softmax_of({1, 3, {0, 5000, 0}}).dense(), (std::vector<double>{0, 1, 0}));
}

struct SoftmaxOfAHopelessRow : testing::TestWithParam<std::vector<double>> {};
TEST_P(SoftmaxOfAHopelessRow, IsNaNFromEndToEnd) {
  Grid<double> x(1, 3);
  for (int64_t i = 0; i < 3; ++i) x(0, i) = GetParam()[static_cast<size_t>(i)];
  for (const double p : softmax_of(x).dense()) EXPECT_TRUE(std::isnan(p)) << p;
}
INSTANTIATE_TEST_SUITE_P(All, SoftmaxOfAHopelessRow,
                         testing::Values(std::vector<double>{1, std::nan(""), 2},
                                         std::vector<double>{std::nan(""), 1, 2},
                                         std::vector<double>{1, kInfinity, 2},
                                         std::vector<double>{-kInfinity, -kInfinity, -kInfinity}));

TEST(Softmax, MayWriteOverItsInput) {
  Grid<double> x = Grid<double>::random(3, 9, 1);
  const Grid<double> want = softmax_of(x);
  ASSERT_TRUE(reference::softmax<double>({.x = x.view(), .y = x.view()}));
  EXPECT_EQ(x.dense(), want.dense());
}

RC_GTEST_PROP(Softmax, SumsToOne, ()) {
  const auto width = *rc::gen::inRange<int64_t>(1, 200);
  const double scale = *rc::gen::inRange(0, 100);
  Grid<double> x = Grid<double>::random(1, width, *rc::gen::arbitrary<uint64_t>());
  for (int64_t i = 0; i < width; ++i) x(0, i) *= scale;
  double sum = 0;
  for (const double p : softmax_of(x).dense()) sum += p;
  // Two sums of `width` terms and a division: (2 width + 2) roundings of values of at most 1.
  RC_ASSERT(std::abs(sum - 1) <= (2.0 * static_cast<double>(width) + 2) * 0x1p-53);
}

RC_GTEST_PROP(Softmax, DoesNotSeeAShiftOfAllScores, ()) {
  const auto width = *rc::gen::inRange<int64_t>(1, 50);
  const double shift = *rc::gen::inRange(-1000, 1000);
  Grid<double> x = Grid<double>::random(1, width, *rc::gen::arbitrary<uint64_t>());
  // Multiples of 2^-20: shifting them is exact, so the bits stay.
  for (int64_t i = 0; i < width; ++i) x(0, i) = std::round(x(0, i) * 0x1p20) * 0x1p-20;
  Grid<double> shifted = x;
  for (int64_t i = 0; i < width; ++i) shifted(0, i) += shift;
  RC_ASSERT(softmax_of(x).dense() == softmax_of(shifted).dense());
}

struct SoftmaxRefusal : testing::Test {
  Grid<double> x = Grid<double>::random(2, 3, 1);
  Grid<double> y{2, 3};
  ops::Softmax<double, Space::Host> op{.x = x.view(), .y = y.view()};
  std::string refusal() { return test::message(reference::softmax<double>(op)); }
};

TEST_F(SoftmaxRefusal, AcceptsTheUnspoiltCase) { EXPECT_EQ(refusal(), "accepted"); }
TEST_F(SoftmaxRefusal, NamesAnotherShapeOfTheOutput) {
  op.y.shape = {2, 2};
  EXPECT_EQ(refusal(), "softmax.y: shape [2, 2], expected [2, 3] (bad_shape)");
}
TEST_F(SoftmaxRefusal, NamesAWidthOfZero) {
  op.x = {nullptr, {2, 0}};
  EXPECT_EQ(refusal(), "softmax.width: 0, expected 1 to 2147483647 (unsupported)");
}
TEST_F(SoftmaxRefusal, NamesMissingMemory) {
  op.x.data = nullptr;
  EXPECT_EQ(refusal(), "softmax.x: no data, expected memory for [2, 3] (bad_shape)");
}

}  // namespace
}  // namespace kigo
