// The spread of the values that seeded models are drawn with.
#include "tools/lib/seeded_blocks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/quant/tensor_type.h"

namespace kigo::tools {
namespace {

class Drawn : public testing::TestWithParam<const char*> {};

TEST_P(Drawn, ValuesHaveMeanZeroAndTheirRms) {
  const quant::TensorType& type = *quant::find_tensor_type(GetParam());
  constexpr int64_t kValues = 256 * 1024;
  constexpr double kRms = 0.03;
  const auto blocks = static_cast<uint64_t>(kValues) / type.block_values;
  std::vector<std::byte> bytes(blocks * type.block_bytes);
  Random random(7);
  find_draw(type)(random, kRms, blocks, bytes.data());
  std::vector<float> values(kValues);
  type.decode(bytes.data(), kValues, values.data());
  double sum = 0, squares = 0;
  for (const float value : values) sum += value, squares += double{value} * value;
  // 262,144 independent values put the mean within 5 * rms / 512; codes that share a block's scale, or a
  // sub-block's minimum (8,192 of them, a tenth of the rms), widen that by less than half.
  EXPECT_NEAR(sum / kValues, 0, 1.5 * 5 * kRms / 512);
  // The squares of blocks of 256 differ by a third from block to block: 5 / sqrt(1024) / 3 is 5 %, halved by
  // the root.
  EXPECT_NEAR(std::sqrt(squares / kValues), kRms, 0.026 * kRms);
}

TEST_P(Drawn, BlocksAreFiniteAndDiffer) {
  const quant::TensorType& type = *quant::find_tensor_type(GetParam());
  std::vector<std::byte> bytes(1000 * type.block_bytes);
  Random random(8);
  find_draw(type)(random, 0.007, 1000, bytes.data());
  int equal = 0;
  for (size_t at = 0; at < bytes.size(); at += type.block_bytes) {
    EXPECT_TRUE(type.finite(&bytes[at]));
    equal += at > 0 && std::memcmp(&bytes[at], &bytes[at - type.block_bytes], type.block_bytes) == 0;
  }
  EXPECT_LE(equal, 20);  // of 999 pairs; BF16 has some 300 values in reach, so three meet by chance
}

INSTANTIATE_TEST_SUITE_P(Type, Drawn,
                         testing::Values("F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K",
                                         "Q3_K", "Q4_K", "Q5_K", "Q6_K", "Q8_K", "MXFP4"),
                         [](const auto& each) { return std::string(each.param); });

TEST(FindDraw, HasNothingForTypesKnownBySizeOnly) {
  EXPECT_EQ(find_draw(*quant::find_tensor_type("IQ4_NL")), nullptr);
}

}  // namespace
}  // namespace kigo::tools
