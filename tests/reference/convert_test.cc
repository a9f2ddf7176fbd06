#include "reference/convert.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>

#include "tests/reference/support.h"

namespace kigo {
namespace {

std::vector<f16> halves_of(const std::vector<float>& x) {
  std::vector<f16> y(x.size());
  const auto width = static_cast<int64_t>(x.size());
  const Status status =
      reference::convert<float, f16>({.x = {x.data(), {1, width}}, .y = {y.data(), {1, width}}});
  EXPECT_TRUE(status) << test::message(status);
  return y;
}

std::vector<float> floats_of(const std::vector<f16>& x) {
  std::vector<float> y(x.size());
  const auto width = static_cast<int64_t>(x.size());
  const Status status =
      reference::convert<f16, float>({.x = {x.data(), {1, width}}, .y = {y.data(), {1, width}}});
  EXPECT_TRUE(status) << test::message(status);
  return y;
}

TEST(Convert, WorkedExample) {
  // 1 = 0x3C00, and one unit in its last place is 2^-10. 1 + 2^-11 lies half way and goes to the even 1;
  // 1 + 3 * 2^-11 lies half way and goes to the even 1 + 2^-9. 2049 lies between 2048 and 2050: 2048.
  const std::vector<f16> y = halves_of({1, -2, 1 + 0x1p-11f, 1 + 0x3p-11f, 2049, 0x1p-24f});
  EXPECT_EQ(y, (std::vector<f16>{{0x3C00}, {0xC000}, {0x3C00}, {0x3C02}, {0x6800}, {0x0001}}));
}
TEST(Convert, WorkedExampleBack) {
  EXPECT_EQ(floats_of({{0x3C00}, {0xC000}, {0x3555}, {0x0001}, {0x7BFF}}),
            (std::vector<float>{1, -2, 0.333251953125f, 0x1p-24f, 65504}));
}

TEST(Convert, TurnsWhatIsTooLargeIntoInfinity) {
  // 65520 lies half way between 65504, the largest, and 65536.
  EXPECT_EQ(halves_of({65519, 65520, -1e9f}), (std::vector<f16>{{0x7BFF}, {0x7C00}, {0xFC00}}));
}
TEST(Convert, KeepsNaN) {
  EXPECT_TRUE(std::isnan(floats_of(halves_of({std::numeric_limits<float>::quiet_NaN()}))[0]));
}

RC_GTEST_PROP(Convert, ComesBackToTheSameHalf, ()) {
  const f16 x{*rc::gen::arbitrary<uint16_t>()};
  RC_PRE(!std::isnan(to_float(x)));
  RC_ASSERT(halves_of(floats_of({x}))[0] == x);
}

TEST(Convert, NamesAnotherShapeOfTheOutput) {
  const std::vector<float> x(6);
  std::vector<f16> y(6);
  const Status status = reference::convert<float, f16>({.x = {x.data(), {2, 3}}, .y = {y.data(), {3, 2}}});
  EXPECT_EQ(test::message(status), "convert.y: shape [3, 2], expected [2, 3] (bad_shape)");
}

}  // namespace
}  // namespace kigo
