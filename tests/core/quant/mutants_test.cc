// Wrong decoders of formats of 32 values that have shipped somewhere (docs/formats.md, section 7;
// docs/faults.md). Each builds on the right fields and errs in one thing, and each must be rejected by a hash
// and by a listed value.
#include <algorithm>
#include <cmath>
#include <utility>

#include "tests/core/quant/wrong_decoder.h"

namespace kigo::quant {
namespace {

float q4_0_code_as_twos_complement(const Q4_0::Block& block, int i) {
  const uint8_t byte = block.qs[static_cast<size_t>(i % 16)];
  const int nibble = i < 16 ? low_nibble(byte) : high_nibble(byte);
  return block.d.value() * static_cast<float>(nibble < 8 ? nibble : nibble - 16);
}

float q5_0_with_fifth_bit(const Q5_0::Block& block, int i, int bit) {
  Q5_0::Block changed = block;
  const auto fifth = (block.qh[static_cast<size_t>(bit / 8)] >> (bit % 8)) & 1;
  auto& byte = changed.qh[static_cast<size_t>(i / 8)];
  byte = static_cast<uint8_t>((byte & ~(1 << (i % 8))) | fifth << (i % 8));
  return Q5_0::value(changed, i);
}
float q5_0_fifth_bits_swapped(const Q5_0::Block& block, int i) {
  return q5_0_with_fifth_bit(block, i, i ^ 16);
}
float q5_0_fifth_bits_interleaved(const Q5_0::Block& block, int i) {
  return q5_0_with_fifth_bit(block, i, i % 16 * 2 + i / 16);
}
float q5_0_upper_half_takes_the_lower_fifth_bits(const Q5_0::Block& block, int i) {  // F10
  return q5_0_with_fifth_bit(block, i, i % 16);
}
float q5_0_fifth_bit_dropped(const Q5_0::Block& block, int i) {
  Q5_0::Block changed = block;
  changed.qh = {};
  return Q5_0::value(changed, i);
}

float q8_0_codes_unsigned(const Q8_0::Block& block, int i) {
  return block.d.value() * static_cast<float>(static_cast<uint8_t>(block.qs[static_cast<size_t>(i)]));
}
float q8_0_scale_after_the_codes(const Q8_0::Block& block, int i) {
  const auto bytes = std::bit_cast<std::array<uint8_t, 34>>(block);
  const HalfBytes d{{bytes[32], bytes[33]}};
  return d.value() * static_cast<float>(static_cast<int8_t>(bytes[static_cast<size_t>(i)]));
}

// Q4_1 and Q5_1, whose blocks have the same fields but for qh.
template <class F>
float minimum_subtracted(const typename F::Block& block, int i) {
  typename F::Block changed = block;
  changed.m.bytes[1] ^= 0x80;
  return F::value(changed, i);
}
template <class F>
float minimum_left_out(const typename F::Block& block, int i) {
  typename F::Block changed = block;
  changed.m = {};
  return F::value(changed, i);
}
template <class F>
float scale_and_minimum_swapped(const typename F::Block& block, int i) {
  typename F::Block changed = block;
  std::swap(changed.d, changed.m);
  return F::value(changed, i);
}
float q4_1_header_of_two_bytes(const Q4_1::Block& block, int i) {
  const auto bytes = std::bit_cast<std::array<uint8_t, 20>>(block);
  Q4_1::Block changed = block;
  std::copy_n(bytes.begin() + 2, 16, changed.qs.begin());
  return Q4_1::value(changed, i);
}
float q4_1_code_centred(const Q4_1::Block& block, int i) {
  return Q4_1::value(block, i) - 8 * block.d.value();
}

float q5_1_with_fifth_bit(const Q5_1::Block& block, int i, int bit) {
  const Q5_0::Block fifths{block.d, block.qh, block.qs};
  // d * (code - 16) with another bit, then what Q5_0 takes away and the minimum.
  return q5_0_with_fifth_bit(fifths, i, bit) + 16 * block.d.value() + block.m.value();
}
float q5_1_fifth_bits_swapped(const Q5_1::Block& block, int i) {
  return q5_1_with_fifth_bit(block, i, i ^ 16);
}
float q5_1_fifth_bits_interleaved(const Q5_1::Block& block, int i) {
  return q5_1_with_fifth_bit(block, i, i % 16 * 2 + i / 16);
}
float q5_1_fifth_bit_dropped(const Q5_1::Block& block, int i) {
  Q5_1::Block changed = block;
  changed.qh = {};
  return Q5_1::value(changed, i);
}

float mxfp4_with_table(const MXFP4::Block& block, int i, const std::array<float, 8>& table) {
  const uint8_t byte = block.qs[static_cast<size_t>(i % 16)];
  const int nibble = i < 16 ? low_nibble(byte) : high_nibble(byte);
  const float number = 2 * table[static_cast<size_t>(nibble & 7)];
  return MXFP4::half_power(block) * (nibble < 8 ? number : -number);
}
float mxfp4_even_steps(const MXFP4::Block& block, int i) {
  return mxfp4_with_table(block, i, {0, 0.5f, 1, 1.5f, 2, 2.5f, 3, 3.5f});
}
float mxfp4_codes_as_integers(const MXFP4::Block& block, int i) {
  return mxfp4_with_table(block, i, {0, 1, 2, 3, 4, 5, 6, 7});
}
float mxfp4_doubled_and_not_halved(const MXFP4::Block& block, int i) { return 2 * MXFP4::value(block, i); }
float mxfp4_halved_and_not_doubled(const MXFP4::Block& block, int i) { return MXFP4::value(block, i) / 2; }
float mxfp4_scale_byte_last(const MXFP4::Block& block, int i) {
  auto bytes = std::bit_cast<std::array<uint8_t, 17>>(block);
  std::rotate(bytes.begin(), bytes.end() - 1, bytes.end());
  return MXFP4::value(std::bit_cast<MXFP4::Block>(bytes), i);
}
float mxfp4_sign_left_out(const MXFP4::Block& block, int i) { return std::abs(MXFP4::value(block, i)); }
float mxfp4_subnormal_scale_flushed(const MXFP4::Block& block, int i) {
  return block.e < 2 ? 0 : MXFP4::value(block, i);
}

TEST_P(WrongDecoder, IsRejectedByHashAndListedValue) {
  const Verdict verdict = GetParam().verdict();
  EXPECT_GT(verdict.wrong_hashes, 0);
  EXPECT_GT(verdict.wrong_values, 0);
}

const Mutant kMutantsOf32[] = {
    mutant<Q4_0, scale_widened_like_bf16<Q4_0>>("Q40ScaleWidenedLikeBf16"),
    mutant<Q4_0, subnormal_scale_flushed<Q4_0>>("Q40SubnormalScaleFlushed"),
    mutant<Q4_0, subnormal_scale_halved<Q4_0>>("Q40SubnormalScaleHalved"),
    mutant<Q4_0, nibbles_as_neighbours<Q4_0, 16>>("Q40NibblesAsNeighbours"),
    mutant<Q4_0, q4_0_code_as_twos_complement>("Q40CodeAsTwosComplement"),
    mutant<Q5_0, scale_widened_like_bf16<Q5_0>>("Q50ScaleWidenedLikeBf16"),
    mutant<Q5_0, nibbles_as_neighbours<Q5_0, 16>>("Q50NibblesAsNeighbours"),
    mutant<Q5_0, q5_0_fifth_bits_swapped>("Q50FifthBitsSwapped"),
    mutant<Q5_0, q5_0_fifth_bits_interleaved>("Q50FifthBitsInterleaved"),
    mutant<Q5_0, q5_0_upper_half_takes_the_lower_fifth_bits>("Q50UpperHalfTakesTheLowerFifthBits"),
    mutant<Q5_0, q5_0_fifth_bit_dropped>("Q50FifthBitDropped"),
    mutant<Q8_0, scale_widened_like_bf16<Q8_0>>("Q80ScaleWidenedLikeBf16"),
    mutant<Q8_0, q8_0_codes_unsigned>("Q80CodesUnsigned"),
    mutant<Q8_0, q8_0_scale_after_the_codes>("Q80ScaleAfterTheCodes"),
    mutant<Q4_1, scale_widened_like_bf16<Q4_1>>("Q41ScaleWidenedLikeBf16"),
    mutant<Q4_1, nibbles_as_neighbours<Q4_1, 16>>("Q41NibblesAsNeighbours"),
    mutant<Q4_1, minimum_subtracted<Q4_1>>("Q41MinimumSubtracted"),
    mutant<Q4_1, minimum_left_out<Q4_1>>("Q41MinimumLeftOut"),
    mutant<Q4_1, scale_and_minimum_swapped<Q4_1>>("Q41ScaleAndMinimumSwapped"),
    mutant<Q4_1, q4_1_header_of_two_bytes>("Q41HeaderOfTwoBytes"),
    mutant<Q4_1, q4_1_code_centred>("Q41CodeCentred"),
    mutant<Q5_1, scale_widened_like_bf16<Q5_1>>("Q51ScaleWidenedLikeBf16"),
    mutant<Q5_1, nibbles_as_neighbours<Q5_1, 16>>("Q51NibblesAsNeighbours"),
    mutant<Q5_1, minimum_subtracted<Q5_1>>("Q51MinimumSubtracted"),
    mutant<Q5_1, minimum_left_out<Q5_1>>("Q51MinimumLeftOut"),
    mutant<Q5_1, scale_and_minimum_swapped<Q5_1>>("Q51ScaleAndMinimumSwapped"),
    mutant<Q5_1, q5_1_fifth_bits_swapped>("Q51FifthBitsSwapped"),
    mutant<Q5_1, q5_1_fifth_bits_interleaved>("Q51FifthBitsInterleaved"),
    mutant<Q5_1, q5_1_fifth_bit_dropped>("Q51FifthBitDropped"),
    mutant<MXFP4, nibbles_as_neighbours<MXFP4, 16>>("MXFP4NibblesAsNeighbours"),
    mutant<MXFP4, mxfp4_even_steps>("MXFP4EvenSteps"),
    mutant<MXFP4, mxfp4_codes_as_integers>("MXFP4CodesAsIntegers"),
    mutant<MXFP4, mxfp4_doubled_and_not_halved>("MXFP4DoubledAndNotHalved"),
    mutant<MXFP4, mxfp4_halved_and_not_doubled>("MXFP4HalvedAndNotDoubled"),
    mutant<MXFP4, mxfp4_scale_byte_last>("MXFP4ScaleByteLast"),
    mutant<MXFP4, mxfp4_sign_left_out>("MXFP4SignLeftOut"),
    mutant<MXFP4, mxfp4_subnormal_scale_flushed>("MXFP4SubnormalScaleFlushed"),
};
INSTANTIATE_TEST_SUITE_P(OfThirtyTwo, WrongDecoder, testing::ValuesIn(kMutantsOf32), name_of);

}  // namespace
}  // namespace kigo::quant
