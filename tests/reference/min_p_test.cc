#include "reference/min_p.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/reference/support.h"

namespace kigo {
namespace {

using test::Grid;
using test::kOut;

std::vector<double> kept_by_min_p(Grid<double> x, float min_p) {
  Grid<double> y(x.rows(), x.width());
  const Status status = reference::min_p({.x = x.view(), .y = y.view(), .workspace = {}, .min_p = min_p});
  EXPECT_TRUE(status) << test::message(status);
  return y.dense();
}

TEST(MinP, WorkedExample) {
  // e^0 = 1, e^-1 = 0.37, e^-2 = 0.14, e^-3 = 0.05 relative to the highest.
  EXPECT_EQ(kept_by_min_p({1, 4, {2, 5, 3, 4}, 1}, 0.3f), (std::vector<double>{kOut, 5, kOut, 4}));
}
TEST(MinP, KeepsAllForZeroAndTheHighestForOne) {
  EXPECT_EQ(kept_by_min_p({1, 3, {1, -2000, 3}}, 0), (std::vector<double>{1, -2000, 3}));
  EXPECT_EQ(kept_by_min_p({1, 4, {1, 3, 2, 3}}, 1), (std::vector<double>{kOut, 3, kOut, 3}));
}
TEST(MinP, FindsTheHighestWhereverItStands) {
  for (int64_t highest = 0; highest < 3; ++highest) {
    Grid<double> x(1, 3, {1, 1, 1});
    x(0, highest) = 3;
    std::vector<double> want(3, kOut);
    want[static_cast<size_t>(highest)] = 3;
    EXPECT_EQ(kept_by_min_p(x, 0.5f), want);
  }
}
TEST(MinP, NamesANegativeShare) {
  Grid<double> x(1, 1, {0});
  EXPECT_EQ(test::message(reference::min_p({.x = x.view(), .y = x.view(), .workspace = {}, .min_p = -0.5f})),
            "min_p.min_p: -0.5, expected 0 to 1 (unsupported)");
}

}  // namespace
}  // namespace kigo
