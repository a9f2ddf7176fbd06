#include "reference/top_k.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/reference/support.h"

namespace kigo {
namespace {

using test::Grid;
using test::kOut;

std::vector<double> kept_by_top_k(Grid<double> x, int64_t k) {
  Grid<double> y(x.rows(), x.width());
  const Status status = reference::top_k({.x = x.view(), .y = y.view(), .workspace = {}, .k = k});
  EXPECT_TRUE(status) << test::message(status);
  return y.dense();
}

TEST(TopK, WorkedExample) {
  EXPECT_EQ(kept_by_top_k({2, 4, {1, 7, -3, 2, /**/ 0, -1, -2, 5}, 1}, 2),
            (std::vector<double>{kOut, 7, kOut, 2, /**/ 0, kOut, kOut, 5}));
}
TEST(TopK, KeepsTheLowestIdsOfEquals) {
  EXPECT_EQ(kept_by_top_k({1, 5, {3, 4, 3, 3, 5}}, 3), (std::vector<double>{3, 4, kOut, kOut, 5}));
}
TEST(TopK, KeepsAllForZeroAndForTheWidth) {
  const std::vector<double> all = {3, 1, 2};
  EXPECT_EQ(kept_by_top_k({1, 3, {3, 1, 2}}, 0), all);
  EXPECT_EQ(kept_by_top_k({1, 3, {3, 1, 2}}, 3), all);
  EXPECT_EQ(kept_by_top_k({1, 3, {3, 1, 2}}, 4), all);
}
TEST(TopK, NamesANegativeK) {
  Grid<double> x(1, 1, {0});
  EXPECT_EQ(test::message(reference::top_k({.x = x.view(), .y = x.view(), .workspace = {}, .k = -1})),
            "top_k.k: -1, expected 0 to 2147483647 (unsupported)");
}

}  // namespace
}  // namespace kigo
