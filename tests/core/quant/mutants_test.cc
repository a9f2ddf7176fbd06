// Wrong decoders that have shipped somewhere (docs/formats.md, section 7; docs/faults.md). Each builds on the
// right fields and errs in one thing, and each must be rejected by a hash and by a listed value.
#include <gtest/gtest.h>

#include <ostream>
#include <utility>

#include "tests/core/quant/judge.h"

namespace kigo::quant {
namespace {

float as_bf16(HalfBytes half) { return to_float(bf16{half.half().bits}); }
bool subnormal(HalfBytes half) { return (half.half().bits & 0x7C00) == 0; }

/// The block with another scale in d, decoded rightly.
template <Format F>
float with_scale(const typename F::Block& block, int i, float d) {
  const float right = block.d.value();
  return F::value(block, i) / right * d;  // exact enough: a wrong d is off by far more than a rounding
}
template <Format F>
float scale_widened_like_bf16(const typename F::Block& block, int i) {
  return with_scale<F>(block, i, as_bf16(block.d));
}
template <Format F>
float subnormal_scale_flushed(const typename F::Block& block, int i) {
  return subnormal(block.d) ? 0 : F::value(block, i);
}
template <Format F>
float subnormal_scale_halved(const typename F::Block& block, int i) {
  return F::value(block, i) * (subnormal(block.d) ? 0.5f : 1.0f);
}
/// Element 2j low, 2j + 1 high within each group of 2 * stride elements.
template <Format F, int stride>
float nibbles_as_neighbours(const typename F::Block& block, int i) {
  const int in_group = i % (2 * stride);
  return F::value(block, i - in_group + in_group / 2 + (in_group % 2) * stride);
}

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

/// Q4_K by hand, with scale and minimum given.
float q4_k_with(const Q4_K::Block& block, int i, int scale, int minimum) {
  const uint8_t byte = block.qs[static_cast<size_t>(32 * (i / 64) + i % 32)];
  const int q = i / 32 % 2 == 0 ? low_nibble(byte) : high_nibble(byte);
  return block.d.value() * static_cast<float>(scale * q) - block.dmin.value() * static_cast<float>(minimum);
}
float q4_k_with_sub_block(const Q4_K::Block& block, int i, int b) {
  const auto at = static_cast<size_t>(b);
  return q4_k_with(block, i, Q4_K::scale(block, at), Q4_K::minimum(block, at));
}
float q4_k_minimum_added(const Q4_K::Block& block, int i) {  // F06
  const auto b = static_cast<size_t>(i) / 32;
  return q4_k_with(block, i, Q4_K::scale(block, b), -Q4_K::minimum(block, b));
}
float q4_k_minimum_left_out(const Q4_K::Block& block, int i) {
  return q4_k_with(block, i, Q4_K::scale(block, static_cast<size_t>(i) / 32), 0);
}
float q4_k_upper_scale_bits_dropped(const Q4_K::Block& block, int i) {  // F07
  const auto b = static_cast<size_t>(i) / 32;
  const int mask = b < 4 ? 63 : 15;
  return q4_k_with(block, i, Q4_K::scale(block, b) & mask, Q4_K::minimum(block, b) & mask);
}
float q4_k_upper_scale_bits_from_the_wrong_byte(const Q4_K::Block& block, int i) {
  const auto b = static_cast<size_t>(i) / 32;
  if (b < 4) return Q4_K::value(block, i);
  const auto& s = block.scales;
  return q4_k_with(block, i, low_nibble(s[b + 4]) | (s[b] >> 6) << 4,
                   high_nibble(s[b + 4]) | (s[b - 4] >> 6) << 4);
}
float q4_k_scale_nibbles_swapped(const Q4_K::Block& block, int i) {
  const auto b = static_cast<size_t>(i) / 32;
  if (b < 4) return Q4_K::value(block, i);
  const auto& s = block.scales;
  return q4_k_with(block, i, high_nibble(s[b + 4]) | (s[b - 4] >> 6) << 4,
                   low_nibble(s[b + 4]) | (s[b] >> 6) << 4);
}
float q4_k_scale_of_the_sub_block_before(const Q4_K::Block& block, int i) {  // F56
  return q4_k_with_sub_block(block, i, (i / 32 + 7) % 8);
}
float q4_k_scales_swapped_in_pairs(const Q4_K::Block& block, int i) {  // F57
  return q4_k_with_sub_block(block, i, i / 32 ^ 1);
}
float q4_k_d_and_dmin_swapped(const Q4_K::Block& block, int i) {
  Q4_K::Block changed = block;
  std::swap(changed.d, changed.dmin);
  return Q4_K::value(changed, i);
}
float q4_k_last_value_zero(const Q4_K::Block& block, int i) {  // F59
  return i == 255 ? 0 : Q4_K::value(block, i);
}
float q4_k_only_64_written(const Q4_K::Block& block, int i) { return i < 64 ? Q4_K::value(block, i) : 0; }

struct Q6_K_ScaleFirst {
  HalfBytes d;
  std::array<uint8_t, 128> ql;
  std::array<uint8_t, 64> qh;
  std::array<int8_t, 16> scales;
};
float q6_k_d_first(const Q6_K::Block& block, int i) {  // F09, F78
  const auto other = std::bit_cast<Q6_K_ScaleFirst>(block);
  return Q6_K::value({other.ql, other.qh, other.scales, other.d}, i);
}
float q6_k_scales_unsigned(const Q6_K::Block& block, int i) {
  const int8_t scale = block.scales[static_cast<size_t>(i / 16)];
  return Q6_K::value(block, i) / static_cast<float>(scale) * static_cast<float>(static_cast<uint8_t>(scale));
}
float q6_k_with_scale_of(const Q6_K::Block& block, int i, int b) {
  Q6_K::Block changed = block;
  changed.scales[static_cast<size_t>(i / 16)] = block.scales[static_cast<size_t>(b)];
  return Q6_K::value(changed, i);
}
float q6_k_scale_of_the_sub_block_before(const Q6_K::Block& block, int i) {
  return q6_k_with_scale_of(block, i, (i / 16 + 15) % 16);
}
float q6_k_scale_halves_swapped(const Q6_K::Block& block, int i) {
  return q6_k_with_scale_of(block, i, i / 16 ^ 8);
}
float q6_k_one_scale_for_32_values(const Q6_K::Block& block, int i) {
  return q6_k_with_scale_of(block, i, i / 32 * 2);
}
float q6_k_upper_bits_dropped(const Q6_K::Block& block, int i) {
  Q6_K::Block changed = block;
  changed.qh = {};
  return Q6_K::value(changed, i);
}
float q6_k_upper_bits_of_the_other_stripe(const Q6_K::Block& block, int i) {
  Q6_K::Block changed = block;
  for (uint8_t& byte : changed.qh) byte = static_cast<uint8_t>(byte << 2 | byte >> 6);
  return Q6_K::value(changed, i);
}
float q6_k_code_not_centred(const Q6_K::Block& block, int i) {
  const float scale = block.d.value() * static_cast<float>(block.scales[static_cast<size_t>(i / 16)]);
  return Q6_K::value(block, i) + 32 * scale;
}

struct Mutant {
  const char* name;
  Verdict (*verdict)();
};
void PrintTo(const Mutant& mutant, std::ostream* out) { *out << mutant.name; }

template <Format F, auto decoder>
Mutant mutant(const char* name) {
  return {name, [] { return judge<F>(decoder); }};
}

class WrongDecoder : public testing::TestWithParam<Mutant> {};

TEST_P(WrongDecoder, IsRejectedByHashAndListedValue) {
  const Verdict verdict = GetParam().verdict();
  EXPECT_GT(verdict.wrong_hashes, 0);
  EXPECT_GT(verdict.wrong_values, 0);
}

const Mutant kMutants[] = {
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
    mutant<Q4_K, scale_widened_like_bf16<Q4_K>>("Q4KScaleWidenedLikeBf16"),
    mutant<Q4_K, nibbles_as_neighbours<Q4_K, 32>>("Q4KNibblesAsNeighbours"),
    mutant<Q4_K, q4_k_minimum_added>("Q4KMinimumAdded"),
    mutant<Q4_K, q4_k_minimum_left_out>("Q4KMinimumLeftOut"),
    mutant<Q4_K, q4_k_upper_scale_bits_dropped>("Q4KUpperScaleBitsDropped"),
    mutant<Q4_K, q4_k_upper_scale_bits_from_the_wrong_byte>("Q4KUpperScaleBitsFromTheWrongByte"),
    mutant<Q4_K, q4_k_scale_nibbles_swapped>("Q4KScaleNibblesSwapped"),
    mutant<Q4_K, q4_k_scale_of_the_sub_block_before>("Q4KScaleOfTheSubBlockBefore"),
    mutant<Q4_K, q4_k_scales_swapped_in_pairs>("Q4KScalesSwappedInPairs"),
    mutant<Q4_K, q4_k_d_and_dmin_swapped>("Q4KDAndDminSwapped"),
    mutant<Q4_K, q4_k_last_value_zero>("Q4KLastValueZero"),
    mutant<Q4_K, q4_k_only_64_written>("Q4KOnly64Written"),
    mutant<Q6_K, scale_widened_like_bf16<Q6_K>>("Q6KScaleWidenedLikeBf16"),
    mutant<Q6_K, nibbles_as_neighbours<Q6_K, 64>>("Q6KNibblesAsNeighbours"),
    mutant<Q6_K, q6_k_d_first>("Q6KDFirst"),
    mutant<Q6_K, q6_k_scales_unsigned>("Q6KScalesUnsigned"),
    mutant<Q6_K, q6_k_scale_of_the_sub_block_before>("Q6KScaleOfTheSubBlockBefore"),
    mutant<Q6_K, q6_k_scale_halves_swapped>("Q6KScaleHalvesSwapped"),
    mutant<Q6_K, q6_k_one_scale_for_32_values>("Q6KOneScaleFor32Values"),
    mutant<Q6_K, q6_k_upper_bits_dropped>("Q6KUpperBitsDropped"),
    mutant<Q6_K, q6_k_upper_bits_of_the_other_stripe>("Q6KUpperBitsOfTheOtherStripe"),
    mutant<Q6_K, q6_k_code_not_centred>("Q6KCodeNotCentred"),
};
INSTANTIATE_TEST_SUITE_P(Examples, WrongDecoder, testing::ValuesIn(kMutants),
                         [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace kigo::quant
