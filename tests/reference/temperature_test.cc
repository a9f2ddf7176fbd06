#include "reference/temperature.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/reference/support.h"

namespace kigo {
namespace {

using test::Grid;

TEST(Temperature, WorkedExample) {
  Grid<float> x(1, 4, {1, -3, 0, -INFINITY}, 1);
  Grid<double> y(1, 4);
  ASSERT_TRUE(reference::temperature({.x = x.view(), .y = y.view(), .temperature = 0.5f}));
  EXPECT_EQ(y.dense(), (std::vector<double>{2, -6, 0, -INFINITY}));
}

TEST(Temperature, StaysFiniteForTheSmallest) {
  Grid<float> x(1, 1, {3e38});
  Grid<double> y(1, 1);
  ASSERT_TRUE(reference::temperature({.x = x.view(), .y = y.view(), .temperature = 1e-45f}));
  EXPECT_TRUE(std::isfinite(y(0, 0)));
}

struct TemperatureRefusal : testing::Test {
  Grid<float> x{1, 2, {1, 2}};
  Grid<double> y{1, 2};
  ops::Temperature<Space::Host> op{.x = x.view(), .y = y.view(), .temperature = 1};
  std::string refusal() { return test::message(reference::temperature(op)); }
};

TEST_F(TemperatureRefusal, AcceptsTheUnspoiltCase) { EXPECT_EQ(refusal(), "accepted"); }
TEST_F(TemperatureRefusal, NamesZeroWhichIsGreedy) {
  op.temperature = 0;
  EXPECT_EQ(refusal(), "temperature.temperature: 0, expected above 0 to 2 (unsupported)");
}
TEST_F(TemperatureRefusal, NamesNaN) {
  x(0, 1) = std::nanf("");
  EXPECT_EQ(refusal(), "temperature.x: nan at id 1, expected a number or -inf (unsupported)");
}
TEST_F(TemperatureRefusal, NamesARowWithNothingToDraw) {
  x(0, 0) = x(0, 1) = -INFINITY;
  EXPECT_EQ(refusal(), "temperature.x: nothing above -inf, expected an id to draw (unsupported)");
}

}  // namespace
}  // namespace kigo
