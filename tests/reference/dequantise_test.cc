#include "reference/dequantise.h"

#include <gtest/gtest.h>

#include "tests/reference/support.h"

namespace kigo {
namespace {

using test::Grid;

/// Q8_0: two rows of one block, codes 1, 2 .. 32 and their negatives; d is 0x3800 = 0.5, then 0x3C00 = 1.
std::vector<std::byte> two_rows() {
  std::vector<std::byte> blocks(2 * 34);
  for (size_t row = 0; row < 2; ++row) {
    blocks[row * 34 + 1] = row == 0 ? std::byte{0x38} : std::byte{0x3C};
    for (size_t i = 0; i < 32; ++i) {
      const int code = static_cast<int>(i + 1) * (row == 0 ? 1 : -1);
      blocks[row * 34 + 2 + i] = static_cast<std::byte>(static_cast<int8_t>(code));
    }
  }
  return blocks;
}

TEST(Dequantise, WorkedExample) {
  const std::vector<std::byte> blocks = two_rows();
  Grid<double> y(2, 32, 5);
  ASSERT_TRUE(reference::dequantise<double>(
      {.w = {blocks.data(), quant::find_tensor_type("Q8_0"), 2, 32}, .y = y.view()}));
  EXPECT_EQ(y(0, 0), 0.5);
  EXPECT_EQ(y(0, 1), 1);
  EXPECT_EQ(y(0, 31), 16);
  EXPECT_EQ(y(1, 0), -1);
  EXPECT_EQ(y(1, 31), -32);
}

TEST(Dequantise, RoundsToHalfOnceAndToEven) {
  // 1 + 2^-11 lies between 1 and 1 + 2^-10, a tie; 65520 is the first number that becomes infinite.
  const std::vector<float> values = {1 + 0x1p-11f, 1 + 0x3p-11f, 65519, 65520};
  std::vector<f16> y(4);
  ASSERT_TRUE(reference::dequantise<f16>({.w = test::f32_matrix(values, 2, 2), .y = {y.data(), {2, 2}}}));
  EXPECT_EQ(y, (std::vector<f16>{{0x3C00}, {0x3C02}, {0x7BFF}, {0x7C00}}));
}

TEST(Dequantise, NamesAWrongShape) {
  const std::vector<std::byte> blocks = two_rows();
  Grid<float> y(2, 31);
  EXPECT_EQ(test::message(reference::dequantise<float>(
                {.w = {blocks.data(), quant::find_tensor_type("Q8_0"), 2, 32}, .y = y.view()})),
            "dequantise.y: shape [2, 31], expected [2, 32] (bad_shape)");
}
TEST(Dequantise, NamesATypeThatCannotBeDecoded) {
  const std::vector<std::byte> blocks(256);
  Grid<float> y(1, 256);
  EXPECT_EQ(test::message(reference::dequantise<float>(
                {.w = {blocks.data(), quant::find_tensor_type("IQ1_S"), 1, 256}, .y = y.view()})),
            "dequantise.w: IQ1_S, expected a type that can be decoded (unsupported)");
}

}  // namespace
}  // namespace kigo
