// Each format against the worked examples that gguf-py decoded, when this file is compiled: a format that
// strays does not build.
#include <gtest/gtest.h>

#include "tests/core/quant/judge.h"

namespace kigo::quant {
namespace {

template <Format F>
constexpr bool pinned_by(int examples) {
  const Verdict verdict = judge<F>(&F::value);
  return verdict.examples == examples && verdict.wrong_hashes == 0 && verdict.wrong_values == 0;
}
static_assert(pinned_by<Q4_0>(3));
static_assert(pinned_by<Q4_1>(2));
static_assert(pinned_by<Q5_0>(3));
static_assert(pinned_by<Q5_1>(2));
static_assert(pinned_by<Q8_0>(2));
static_assert(pinned_by<MXFP4>(3));
static_assert(pinned_by<Q2_K>(2));
static_assert(pinned_by<Q3_K>(2));
static_assert(pinned_by<Q4_K>(2));
static_assert(pinned_by<Q5_K>(2));
static_assert(pinned_by<Q6_K>(2));
static_assert(pinned_by<Q8_K>(2));

// docs/formats.md, section 3, plus the three exponents that are easily wrong: zero, largest, negative.
constexpr float f16_value(uint8_t high, uint8_t low) { return F16::value({{{low, high}}}, 0); }
static_assert(f16_value(0x00, 0x01) == 5.96046448e-08f);
static_assert(f16_value(0x03, 0xFF) == 6.09755516e-05f);
static_assert(f16_value(0x04, 0x00) == 6.10351562e-05f);
static_assert(f16_value(0x3C, 0x01) == 1.00097656f);
static_assert(f16_value(0x7B, 0xFF) == 65504.0f);
static_assert(f16_value(0xC0, 0x00) == -2.0f);
constexpr float bf16_value(uint8_t high, uint8_t low) { return BF16::value({{low, high}}, 0); }
static_assert(bf16_value(0x3F, 0x81) == 1.0078125f);
static_assert(bf16_value(0x00, 0x01) == 9.18354962e-41f);
static_assert(bf16_value(0x7F, 0x7F) == 3.38953139e+38f);
static_assert(bf16_value(0xC2, 0xF7) == -123.5f);
static_assert(F32::value({{0xDB, 0x0F, 0x49, 0xC0}}, 0) == -3.14159274f);

// The judge itself: it does count what is wrong.
constexpr float off_at_17(const Q4_0::Block& block, int i) {
  return i == 17 ? 0.125f : Q4_0::value(block, i);
}
static_assert(judge<Q4_0>(&off_at_17).wrong_hashes == 3 && judge<Q4_0>(&off_at_17).wrong_values == 3);

template <class F>
class WorkedExamples : public testing::Test {};
using BlockFormats = testing::Types<Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, MXFP4, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, Q8_K>;
TYPED_TEST_SUITE(WorkedExamples, BlockFormats);

TYPED_TEST(WorkedExamples, HoldForTheRowDecoders) {
  const Verdict verdict = judge<TypeParam>([](const typename TypeParam::Block& block, int i) {
    std::array<float, TypeParam::values> out;
    TypeParam::decode(block, out.data());
    return out[static_cast<size_t>(i)];
  });
  EXPECT_GE(verdict.examples, 2);
  EXPECT_EQ(verdict.wrong_hashes, 0);
  EXPECT_EQ(verdict.wrong_values, 0);
}

}  // namespace
}  // namespace kigo::quant
