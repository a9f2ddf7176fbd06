#include "reference/argmax.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/reference/support.h"

namespace kigo {
namespace {

using test::Grid;
const double kNaN = std::nan("");

template <class T = double>
std::vector<uint32_t> argmax_of(Grid<T> x) {
  std::vector<uint32_t> ids(static_cast<size_t>(x.rows()), 4711);
  const Status status = reference::argmax<T>({.x = x.view(), .ids = {ids.data(), {x.rows()}}});
  EXPECT_TRUE(status) << test::message(status);
  return ids;
}

TEST(Argmax, WorkedExample) {
  EXPECT_EQ(argmax_of({3, 4, {1, 7, 3, 2, /**/ -5, -4, -3, -9, /**/ 8, 1, 1, 1}, 2}),
            (std::vector<uint32_t>{1, 2, 0}));
}
TEST(Argmax, TakesTheLowestOfEqualIds) {
  EXPECT_EQ(argmax_of({1, 5, {0, 3, 1, 3, 3}}), (std::vector<uint32_t>{1}));
}
TEST(Argmax, TakesMinusZeroForZero) { EXPECT_EQ(argmax_of({1, 2, {-0.0, 0.0}}), (std::vector<uint32_t>{0})); }
TEST(Argmax, PassesOverNaNWhereverItStands) {
  EXPECT_EQ(argmax_of({3, 3, {kNaN, -2, -1, /**/ -2, kNaN, -1, /**/ -1, -2, kNaN}}),
            (std::vector<uint32_t>{2, 2, 0}));
}
TEST(Argmax, GivesZeroForARowOfNaN) {
  EXPECT_EQ(argmax_of({1, 3, {kNaN, kNaN, kNaN}}), (std::vector<uint32_t>{0}));
}
TEST(Argmax, FindsInfinity) { EXPECT_EQ(argmax_of({1, 3, {1, INFINITY, kNaN}}), (std::vector<uint32_t>{1})); }

RC_GTEST_PROP(Argmax, FindsTheFirstLargestElement, ()) {
  // Few distinct values: ties are the rule.
  const auto values = *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(-3, 4)));
  Grid<float> x(1, static_cast<int64_t>(values.size()));
  for (size_t i = 0; i < values.size(); ++i) x(0, static_cast<int64_t>(i)) = static_cast<float>(values[i]);
  RC_ASSERT(argmax_of(x)[0] == std::ranges::max_element(values) - values.begin());
}

struct ArgmaxRefusal : testing::Test {
  Grid<double> x = Grid<double>::random(2, 3, 1);
  std::vector<uint32_t> ids = {0, 0};
  ops::Argmax<double, Space::Host> op{.x = x.view(), .ids = {ids.data(), {2}}};
  std::string refusal() { return test::message(reference::argmax<double>(op)); }
};

TEST_F(ArgmaxRefusal, AcceptsTheUnspoiltCase) { EXPECT_EQ(refusal(), "accepted"); }
TEST_F(ArgmaxRefusal, NamesAnotherNumberOfIds) {
  op.ids.shape = {1};
  EXPECT_EQ(refusal(), "argmax.ids: shape [1], expected [2] (bad_shape)");
}
TEST_F(ArgmaxRefusal, NamesAWidthOfZero) {
  op.x = {nullptr, {2, 0}};
  EXPECT_EQ(refusal(), "argmax.width: 0, expected 1 to 2147483647 (unsupported)");
}
TEST_F(ArgmaxRefusal, NamesMissingMemory) {
  op.ids.data = nullptr;
  EXPECT_EQ(refusal(), "argmax.ids: no data, expected memory for [2] (bad_shape)");
}

}  // namespace
}  // namespace kigo
