// The helpers that pairs are made of.
#include "tests/pairs/data.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/quant/formats.h"
#include "tests/pairs/blocks.h"
#include "tests/support/choices.h"

namespace kigo::pairs {
namespace {

TEST(DrawSize, StaysBetweenOneAndTheLimit) {
  test::Choices choices(1);
  for (const int64_t limit : {1, 2, 9, 5000}) {
    for (int i = 0; i < 2000; ++i) {
      const int64_t size = draw_size(std::ref(choices), limit, std::array<int64_t, 1>{limit});
      ASSERT_GE(size, 1);
      ASSERT_LE(size, limit);
    }
  }
}
TEST(DrawSize, MeetsBothSidesOfABoundaryAndOfAWarp) {
  test::Choices choices(1);
  std::set<int64_t> seen;
  for (int i = 0; i < 2000; ++i)
    seen.insert(draw_size(std::ref(choices), 100000, std::array<int64_t, 1>{777}));
  for (const int64_t size : {1, 31, 32, 33, 776, 777, 778, 1021, 4095, 4096, 4097})
    EXPECT_TRUE(seen.contains(size)) << size;
}
TEST(DrawSize, IsOneForTheLowestChoices) {
  test::Choices lowest(std::vector<int64_t>{});
  EXPECT_EQ(draw_size(std::ref(lowest), 5000), 1);
}

TEST(RoundedBound, IsReachedByOneRoundingAndNoMore) {
  // 1 + 2^-11 lies halfway between two halves: off by u, relative to a want of almost 1.
  const double want = 1 + 0x1p-11;
  const double got = double{to_float(to_f16(want))};
  EXPECT_LE(std::abs(got - want), rounded_bound<f16>(0, want));
  EXPECT_GT(std::abs(got - want), 0.99 * rounded_bound<f16>(0, want));
}
TEST(RoundedBound, AllowsHalfOfTheSmallestNumber) {
  const double want = 0x1p-25;  // halfway between 0 and the smallest half
  EXPECT_LE(std::abs(double{to_float(to_f16(want))} - want), rounded_bound<f16>(0, want));
}

TEST(RoundedTo, RoundsOnceToNearestEven) {
  const std::array<double, 3> values{1 + 0x1p-11, 1 + 3 * 0x1p-11, 65520};
  EXPECT_EQ(rounded_to(Type::f16, values),
            (std::vector<double>{1, 1 + 0x1p-9, std::numeric_limits<double>::infinity()}));
  EXPECT_EQ(rounded_to(Type::f32, values)[0], values[0]);
}

TEST(Tensor, GivesBackWhatWasGiven) {
  const std::array<int32_t, 3> values{-1, 0, 7};
  const Tensor tensor = given<int32_t>("table", {3}, values);
  EXPECT_EQ(ints(tensor), (std::vector<int64_t>{-1, 0, 7}));
  EXPECT_EQ(widened(tensor), (std::vector<double>{-1, 0, 7}));
}

struct Blocks : testing::TestWithParam<quant::TensorType> {};

TEST_P(Blocks, AreFiniteAndOfTheScaleThatIsAskedFor) {
  const quant::TensorType& type = GetParam();
  Random random(3);
  const int64_t cols = 4 * type.block_values;
  const Tensor blocks = drawn_blocks("w", type, 600, cols, 0.5, random);
  double squares = 0;
  const std::vector<float> values = decoded(type, cols, blocks);
  for (const float value : values) {
    ASSERT_TRUE(std::isfinite(value));
    squares += double{value} * double{value};
  }
  // Each block's root mean square is between 0.5 and 1.5 times the scale, before its scale is rounded to
  // half.
  const double rms = std::sqrt(squares / static_cast<double>(values.size()));
  EXPECT_GT(rms, 0.4 * 0.5);
  EXPECT_LT(rms, 1.6 * 0.5);
}
TEST_P(Blocks, UseEveryBitOfTheirCodes) {
  const quant::TensorType& type = GetParam();
  Random random(4);
  const Tensor blocks = drawn_blocks("w", type, 400, type.block_values, 1, random);
  for (size_t byte = 0; byte < type.block_bytes; ++byte) {
    uint8_t ones = 0, zeros = 0;
    for (size_t at = byte; at < blocks.data.size(); at += type.block_bytes) {
      ones |= std::to_integer<uint8_t>(blocks.data[at]);
      zeros |= static_cast<uint8_t>(~std::to_integer<unsigned>(blocks.data[at]));
    }
    // The upper exponent bits of scales keep to one value; everything else takes both. A whole byte of them
    // is in the scale of Q8_K, and MXFP4 has nothing else.
    const bool exponent = type.block_values > 1 && type.scale_bytes != 2 && byte < type.scale_bytes;
    EXPECT_GE(std::popcount(static_cast<unsigned>(ones & zeros)), exponent ? 1 : 4) << "byte " << byte;
  }
}

std::vector<quant::TensorType> drawable() {
  std::vector<quant::TensorType> out;
  std::ranges::copy_if(quant::tensor_types(), std::back_inserter(out),
                       [](const quant::TensorType& type) { return type.decode != nullptr; });
  return out;
}
INSTANTIATE_TEST_SUITE_P(, Blocks, testing::ValuesIn(drawable()),
                         [](const auto& type) { return std::string(type.param.name); });

}  // namespace
}  // namespace kigo::pairs
