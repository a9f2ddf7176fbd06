#include "reference/swiglu.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "tests/reference/support.h"

namespace kigo {
namespace {

using test::Grid;

template <class T>
Grid<T> gated(Grid<T> gate, Grid<T> up) {
  Grid<T> y(gate.rows(), gate.width(), 2);
  const Status status = reference::swiglu<T>({.gate = gate.view(), .up = up.view(), .y = y.view()});
  EXPECT_TRUE(status) << test::message(status);
  return y;
}

TEST(SwiGlu, WorkedExample) {
  // e^-ln 3 = 1/3, so silu(ln 3) = ln 3 / (4/3) = 0.75 * 1.0986123 = 0.8239592; silu(-ln 3) = -ln 3 / 4 =
  // -0.2746531; silu(0) = 0. Times up = 2, 4, 9.
  const double ln3 = std::log(3.0);
  const Grid<double> y = gated<double>({1, 3, {ln3, -ln3, 0}, 1}, {1, 3, {2, 4, 9}});
  EXPECT_NEAR(y(0, 0), 1.6479184, 1e-7);
  EXPECT_NEAR(y(0, 1), -1.0986123, 1e-7);
  EXPECT_EQ(y(0, 2), 0);
}

TEST(SwiGlu, StaysFiniteForLargeGates) {
  const Grid<double> y = gated<double>({1, 2, {-1000, 1000}}, {1, 2, {3, 3}});
  EXPECT_EQ(y.dense(), (std::vector<double>{0, 3000}));
}

TEST(SwiGlu, RoundsOnceToFloat) {
  const Grid<float> y = gated<float>({1, 1, {1}}, {1, 1, {1}});
  EXPECT_EQ(y(0, 0), static_cast<float>(1 / (1 + std::exp(-1.0))));
}

TEST(SwiGlu, MayWriteOverEitherInput) {
  Grid<double> gate = Grid<double>::random(2, 5, 1);
  Grid<double> up = Grid<double>::random(2, 5, 2);
  const Grid<double> want = gated(gate, up);
  Grid<double> gate_again = gate;
  ASSERT_TRUE(reference::swiglu<double>({.gate = gate.view(), .up = up.view(), .y = gate.view()}));
  ASSERT_TRUE(reference::swiglu<double>({.gate = gate_again.view(), .up = up.view(), .y = up.view()}));
  EXPECT_EQ(gate.dense(), want.dense());
  EXPECT_EQ(up.dense(), want.dense());
}

RC_GTEST_PROP(SwiGlu, OppositeGatesDifferByTheGateTimesUp, ()) {
  // silu(z) - silu(-z) = z (1 / (1 + e^-z) + 1 / (1 + e^z)) = z.
  const double z = *rc::gen::inRange(-3000, 3001) / 100.0;
  const Grid<double> y = gated<double>({1, 2, {z, -z}}, {1, 2, {2, 2}});
  RC_ASSERT(std::abs(y(0, 0) - y(0, 1) - 2 * z) <= 16 * 0x1p-53 * std::abs(z));
}

struct SwiGluRefusal : testing::Test {
  Grid<double> gate = Grid<double>::random(2, 3, 1);
  Grid<double> up = Grid<double>::random(2, 3, 2);
  Grid<double> y{2, 3};
  ops::SwiGlu<double, Space::Host> op{.gate = gate.view(), .up = up.view(), .y = y.view()};
  std::string refusal() { return test::message(reference::swiglu<double>(op)); }
};

TEST_F(SwiGluRefusal, AcceptsTheUnspoiltCase) { EXPECT_EQ(refusal(), "accepted"); }
TEST_F(SwiGluRefusal, NamesAnotherShapeOfUp) {
  op.up.shape = {2, 2};
  EXPECT_EQ(refusal(), "swiglu.up: shape [2, 2], expected [2, 3] (bad_shape)");
}
TEST_F(SwiGluRefusal, NamesAnotherShapeOfTheOutput) {
  op.y.shape = {1, 3};
  EXPECT_EQ(refusal(), "swiglu.y: shape [1, 3], expected [2, 3] (bad_shape)");
}
TEST_F(SwiGluRefusal, NamesMissingMemory) {
  op.gate.data = nullptr;
  EXPECT_EQ(refusal(), "swiglu.gate: no data, expected memory for [2, 3] (bad_shape)");
}

}  // namespace
}  // namespace kigo
