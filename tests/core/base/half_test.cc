// f16 and bf16 against the pins of docs/formats.md and, for all patterns, against what the hardware type
// says.
#include "core/base/half.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>
#include <cmath>
#include <limits>

namespace kigo {
namespace {

static_assert(to_float(f16{0x0001}) == 5.96046448e-08f);
static_assert(to_float(f16{0x03FF}) == 6.09755516e-05f);
static_assert(to_float(f16{0x0400}) == 6.10351562e-05f);
static_assert(to_float(f16{0x3C01}) == 1.00097656f);
static_assert(to_float(f16{0x7BFF}) == 65504.0f);
static_assert(to_float(f16{0xC000}) == -2.0f);
static_assert(to_float(bf16{0x3F81}) == 1.0078125f);
static_assert(to_float(bf16{0x0001}) == 9.18354962e-41f);
static_assert(to_float(bf16{0x7F7F}) == 3.38953139e+38f);
static_assert(to_float(bf16{0xC2F7}) == -123.5f);

uint32_t bits(float value) { return std::bit_cast<uint32_t>(value); }
float from_bits(uint32_t pattern) { return std::bit_cast<float>(pattern); }

TEST(F16, WidensAllPatternsLikeTheCompilersOwnType) {
  for (uint32_t pattern = 0; pattern < 65536; ++pattern) {
    const auto want = static_cast<float>(std::bit_cast<_Float16>(static_cast<uint16_t>(pattern)));
    const float got = to_float(f16{static_cast<uint16_t>(pattern)});
    if (std::isnan(want)) {
      ASSERT_TRUE(std::isnan(got)) << pattern;
    } else {
      ASSERT_EQ(bits(got), bits(want)) << pattern;
    }
  }
}

TEST(F16, NarrowsEveryPatternBackToItself) {
  for (uint32_t pattern = 0; pattern < 65536; ++pattern) {
    const f16 h{static_cast<uint16_t>(pattern)};
    if (std::isnan(to_float(h))) continue;
    ASSERT_EQ(to_f16(double{to_float(h)}).bits, h.bits);
  }
}

TEST(F16, RoundsTheMiddleOfTwoNeighboursToTheEvenOne) {
  for (uint32_t pattern = 0; pattern < 0x7BFF; ++pattern) {
    const double low = to_float(f16{static_cast<uint16_t>(pattern)});
    const double high = to_float(f16{static_cast<uint16_t>(pattern + 1)});
    const double middle = (low + high) / 2;
    ASSERT_EQ(to_f16(middle).bits, (pattern & 1) == 0 ? pattern : pattern + 1);
    ASSERT_EQ(to_f16(std::nextafter(middle, 0.0)).bits, pattern);
    ASSERT_EQ(to_f16(std::nextafter(middle, 1e9)).bits, pattern + 1);
  }
}

TEST(F16, OverflowsToInfinityFrom65520On) {
  EXPECT_EQ(to_f16(65519.99).bits, 0x7BFF);
  EXPECT_EQ(to_f16(65520.0).bits, 0x7C00);
  EXPECT_EQ(to_f16(-1e300).bits, 0xFC00);
  EXPECT_EQ(to_f16(std::numeric_limits<double>::infinity()).bits, 0x7C00);
}

TEST(F16, KeepsTheSignOfZeroAndANaN) {
  EXPECT_EQ(to_f16(-0.0).bits, 0x8000);
  EXPECT_EQ(to_f16(-1e-30).bits, 0x8000);
  EXPECT_TRUE(std::isnan(to_float(to_f16(std::nan("")))));
}

RC_GTEST_PROP(F16, NarrowsFloatsLikeTheCompilersOwnType, ()) {
  const float value = from_bits(*rc::gen::arbitrary<uint32_t>());
  RC_PRE(!std::isnan(value));
  RC_ASSERT(to_f16(double{value}).bits == std::bit_cast<uint16_t>(static_cast<_Float16>(value)));
}

TEST(Bf16, RoundsAsPinned) {
  EXPECT_EQ(to_bf16(from_bits(0x3F808000)).bits, 0x3F80);
  EXPECT_EQ(to_bf16(from_bits(0x3F818000)).bits, 0x3F82);
  EXPECT_EQ(to_bf16(from_bits(0x3F80FFFF)).bits, 0x3F81);
  EXPECT_EQ(to_bf16(from_bits(0x7F7FFFFF)).bits, 0x7F80);
  EXPECT_EQ(to_bf16(from_bits(0x7F800001)).bits, 0x7FC0);
  EXPECT_EQ(to_bf16(from_bits(0xFF800001)).bits, 0xFFC0);
  EXPECT_EQ(to_bf16(from_bits(0x00018000)).bits, 0x0002);
  EXPECT_EQ(to_bf16(from_bits(0x80000001)).bits, 0x8000);
}

TEST(Bf16, NarrowsEveryPatternBackToItself) {
  for (uint32_t pattern = 0; pattern < 65536; ++pattern) {
    const bf16 b{static_cast<uint16_t>(pattern)};
    if (std::isnan(to_float(b))) continue;
    ASSERT_EQ(to_bf16(to_float(b)).bits, b.bits);
  }
}

}  // namespace
}  // namespace kigo
