// Blocks at an edge of what they can say: which scales and values count as finite, and which of two equal
// extremes the quantiser takes.
#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <vector>

#include "core/quant/encode.h"
#include "core/quant/formats.h"

namespace kigo::quant {
namespace {

// A NaN may have any bit of the mantissa set, the lowest alone too.
TEST(FloatBytes, AreFiniteUpToTheLargestFloat) {
  const auto finite = [](uint32_t bits) { return std::bit_cast<FloatBytes>(bits).finite(); };
  for (const uint32_t bits : {0u, 1u, 0x80000001u, 0x007FFFFFu, 0x7F7FFFFFu, 0xFF7FFFFFu})
    EXPECT_TRUE(finite(bits)) << bits;
  for (const uint32_t bits : {0x7F800000u, 0xFF800000u, 0x7F800001u, 0xFF800001u, 0x7FC00000u, 0x7FFFFFFFu})
    EXPECT_FALSE(finite(bits)) << bits;
}

/// Positions of the only code that overflows: the ends of a block and of its halves.
class FiniteButFor : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Element, FiniteButFor, testing::Values(0, 1, 15, 16, 31));

TEST_P(FiniteButFor, OneElementOfMXFP4) {
  MXFP4::Block block{254, {}};
  EXPECT_TRUE(MXFP4::finite(block));
  block.qs[static_cast<size_t>(GetParam() % 16)] = static_cast<uint8_t>(7 << (GetParam() < 16 ? 0 : 4));
  EXPECT_FALSE(MXFP4::finite(block));  // 6 * 2^127
}
TEST_P(FiniteButFor, OneElementOfQ8K) {
  Q8_K::Block block{std::bit_cast<FloatBytes>(0x1p121f), {}, {}};
  EXPECT_TRUE(Q8_K::finite(block));
  block.qs[static_cast<size_t>(8 * GetParam())] = -128;
  EXPECT_FALSE(Q8_K::finite(block));  // -2^128
}

TEST(FiniteScale, OfQ8KDoesNotHangOnTheSums) {
  Q8_K::Block block{std::bit_cast<FloatBytes>(0x1p126f), {}, {}};
  for (auto& sum : block.bsums) sum = {0x7F, 0x7F};
  EXPECT_TRUE(Q8_K::finite(block));
}

/// Elements 3 and 10 of a block of 32 that holds these two and is zero elsewhere, encoded and decoded.
template <Format F>
std::pair<float, float> coded(float third, float tenth) {
  std::vector<float> x(32);
  x[3] = third, x[10] = tenth;
  typename F::Block block;
  EXPECT_TRUE(encode(*find_tensor_type(F::gguf_id), x, std::as_writable_bytes(std::span(&block, 1))));
  F::decode(block, x.data());
  return {x[3], x[10]};
}

// The code of the extreme reaches one step further than the last one on the other side, so that it matters
// which of 8 and -8 is the extreme. The values are those of gguf-py 0.19's quantize and dequantize, whose
// argmax takes the first.
TEST(Encode, TakesTheFirstOfTwoExtremesOfOppositeSign) {
  EXPECT_EQ(coded<Q4_0>(8, -8), (std::pair{8.0f, -7.0f}));
  EXPECT_EQ(coded<Q4_0>(-8, 8), (std::pair{-8.0f, 7.0f}));
  EXPECT_EQ(coded<Q5_0>(8, -8), (std::pair{8.0f, -7.5f}));
  EXPECT_EQ(coded<Q5_0>(-8, 8), (std::pair{-8.0f, 7.5f}));
}

}  // namespace
}  // namespace kigo::quant
