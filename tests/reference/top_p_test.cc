#include "reference/top_p.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/reference/support.h"

namespace kigo {
namespace {

using test::Grid;
using test::kOut;

std::vector<double> kept_by_top_p(Grid<double> x, float p) {
  Grid<double> y(x.rows(), x.width());
  const Status status = reference::top_p({.x = x.view(), .y = y.view(), .workspace = {}, .p = p});
  EXPECT_TRUE(status) << test::message(status);
  return y.dense();
}

TEST(TopP, WorkedExample) {
  // Probabilities 1/8, 1/2, 1/8, 1/4: in order 1/2, 3/4, 7/8, 1. 0.7 is reached with the second.
  const double a = std::log(1.0), b = std::log(4.0), d = std::log(2.0);
  EXPECT_EQ(kept_by_top_p({1, 4, {a, b, a, d}, 1}, 0.7f), (std::vector<double>{kOut, b, kOut, d}));
  // 0.8 needs one of the two last: the lower id.
  EXPECT_EQ(kept_by_top_p({1, 4, {a, b, a, d}, 1}, 0.8f), (std::vector<double>{a, b, kOut, d}));
}
TEST(TopP, StopsWhereTheSumIsExactlyP) {
  EXPECT_EQ(kept_by_top_p({1, 4, {0, 0, 0, 0}}, 0.5f), (std::vector<double>{0, 0, kOut, kOut}));
}
TEST(TopP, KeepsOneForZeroAndAllForOne) {
  EXPECT_EQ(kept_by_top_p({1, 3, {1, 2, 2}}, 0), (std::vector<double>{kOut, 2, kOut}));
  EXPECT_EQ(kept_by_top_p({1, 3, {1, 2, -1000}}, 1), (std::vector<double>{1, 2, -1000}));
}
TEST(TopP, TakesLogitsFarBeyondTheRangeOfExp) {
  EXPECT_EQ(kept_by_top_p({1, 3, {0, 5000, 0}}, 0.5f), (std::vector<double>{kOut, 5000, kOut}));
}
TEST(TopP, NamesAShareAboveOne) {
  Grid<double> x(1, 1, {0});
  EXPECT_EQ(test::message(reference::top_p({.x = x.view(), .y = x.view(), .workspace = {}, .p = 1.5f})),
            "top_p.p: 1.5, expected 0 to 1 (unsupported)");
}

}  // namespace
}  // namespace kigo
