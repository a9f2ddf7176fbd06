// linear with both operands rounded to half, against sums written out, and against the plain twin.
#include "reference/linear_half.h"

#include <gtest/gtest.h>

#include <vector>

#include "core/base/half.h"
#include "reference/linear.h"

namespace kigo::reference {
namespace {

ops::Matrix<Space::Host> matrix(const std::vector<float>& values, int64_t rows, int64_t cols) {
  return {reinterpret_cast<const std::byte*>(values.data()), quant::find_tensor_type("F32"), rows, cols};
}

TEST(LinearHalf, RoundsBothOperandsAndAddsTheBiasExactly) {
  // 1 + 2^-12 is no half and becomes 1; 2049 becomes 2048, halfway to the even one.
  const std::vector<double> x{1 + 0x1p-12, 2049, 3, 0.5};
  const std::vector<float> w{2, 1, 1 + 0x1p-12F, 4}, bias{0x1p-20F, 0};
  std::vector<double> y(4);
  ASSERT_TRUE(linear_half(
      {.x = {x.data(), {2, 2}}, .w = matrix(w, 2, 2), .bias = {bias.data(), {2}}, .y = {y.data(), {2, 2}}}));
  EXPECT_EQ(y, (std::vector<double>{2 + 2048 + 0x1p-20, 1 + 4 * 2048, 6 + 0.5 + 0x1p-20, 3 + 2}));
}

TEST(LinearHalf, OfHalvesIsLinear) {
  std::vector<double> x;
  std::vector<float> w;
  for (int i = 0; i < 24; ++i) x.push_back(to_float(to_f16(0.37 * i - 3)));
  for (int i = 0; i < 40; ++i) w.push_back(to_float(to_f16(1.1 - 0.07 * i)));
  std::vector<double> y(15), plain(15);
  const auto op = [&](std::vector<double>& out) {
    return ops::Linear<double, Space::Host>{
        .x = {x.data(), {3, 8}}, .w = matrix(w, 5, 8), .bias = {}, .y = {out.data(), {3, 5}}};
  };
  ASSERT_TRUE(linear_half(op(y)));
  ASSERT_TRUE(linear<double>(op(plain)));
  EXPECT_EQ(y, plain);
}

TEST(LinearHalf, RefusesWhatLinearRefuses) {
  const std::vector<double> x(4);
  const std::vector<float> w(4);
  std::vector<double> y(4);
  EXPECT_FALSE(
      linear_half({.x = {x.data(), {2, 2}}, .w = matrix(w, 4, 1), .bias = {}, .y = {y.data(), {2, 2}}}));
}

}  // namespace
}  // namespace kigo::reference
