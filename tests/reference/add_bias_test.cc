#include "reference/add_bias.h"

#include <gtest/gtest.h>

#include "tests/reference/support.h"

namespace kigo {
namespace {

using test::Grid;

TEST(AddBias, WorkedExample) {
  Grid<double> x(2, 3, {1, 2, 3, /**/ 4, 5, 6}, 2);
  const std::vector<float> bias = {10, -2, 0.5};
  Grid<double> y(2, 3, 1);
  ASSERT_TRUE(reference::add_bias<double>({.x = x.view(), .bias = test::row_view(bias), .y = y.view()}));
  EXPECT_EQ(y.dense(), (std::vector<double>{11, 0, 3.5, /**/ 14, 3, 6.5}));
}

TEST(AddBias, RoundsTheExactSumOnce) {
  Grid<float> x(1, 1, {0x1p24});
  const std::vector<float> bias = {3};
  ASSERT_TRUE(reference::add_bias<float>({.x = x.view(), .bias = test::row_view(bias), .y = x.view()}));
  EXPECT_EQ(x(0, 0), 0x1p24f + 4);  // 2^24 + 3 lies between 2^24 + 2 and 2^24 + 4: the even one
}

struct AddBiasRefusal : testing::Test {
  Grid<double> x = Grid<double>::random(2, 3, 1);
  std::vector<float> bias = {1, 2, 3};
  Grid<double> y{2, 3};
  ops::AddBias<double, Space::Host> op{.x = x.view(), .bias = test::row_view(bias), .y = y.view()};
  std::string refusal() { return test::message(reference::add_bias<double>(op)); }
};

TEST_F(AddBiasRefusal, AcceptsTheUnspoiltCase) { EXPECT_EQ(refusal(), "accepted"); }
TEST_F(AddBiasRefusal, NamesABiasOfAnotherWidth) {
  op.bias.shape = {2};
  EXPECT_EQ(refusal(), "add_bias.bias: shape [2], expected [3] (bad_shape)");
}
TEST_F(AddBiasRefusal, NamesAnotherShapeOfTheOutput) {
  op.y.shape = {2, 2};
  EXPECT_EQ(refusal(), "add_bias.y: shape [2, 2], expected [2, 3] (bad_shape)");
}

}  // namespace
}  // namespace kigo
