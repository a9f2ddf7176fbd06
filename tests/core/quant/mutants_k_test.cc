// Wrong decoders of formats of 256 values that have shipped somewhere (docs/formats.md, section 7;
// docs/faults.md). Each builds on the right fields and errs in one thing, and each must be rejected by a hash
// and by a listed value.
#include <algorithm>
#include <utility>

#include "tests/core/quant/wrong_decoder.h"

namespace kigo::quant {
namespace {

/// Q4_K or Q5_K by hand, with scale and minimum given.
template <class F>
float q_k_with(const typename F::Block& block, int i, int scale, int minimum) {
  const uint8_t byte = block.qs[static_cast<size_t>(32 * (i / 64) + i % 32)];
  int q = i / 32 % 2 == 0 ? low_nibble(byte) : high_nibble(byte);
  if constexpr (requires { block.qh; }) q += 16 * (block.qh[static_cast<size_t>(i % 32)] >> (i / 32) & 1);
  return block.d.value() * static_cast<float>(scale * q) - block.dmin.value() * static_cast<float>(minimum);
}
template <class F>
float q_k_with_sub_block(const typename F::Block& block, int i, int b) {
  const auto at = static_cast<size_t>(b);
  return q_k_with<F>(block, i, F::scale(block, at), F::minimum(block, at));
}
template <class F>
float q_k_minimum_added(const typename F::Block& block, int i) {  // F06
  const auto b = static_cast<size_t>(i) / 32;
  return q_k_with<F>(block, i, F::scale(block, b), -F::minimum(block, b));
}
template <class F>
float q_k_minimum_left_out(const typename F::Block& block, int i) {
  return q_k_with<F>(block, i, F::scale(block, static_cast<size_t>(i) / 32), 0);
}
template <class F>
float q_k_upper_scale_bits_dropped(const typename F::Block& block, int i) {  // F07
  const auto b = static_cast<size_t>(i) / 32;
  const int mask = b < 4 ? 63 : 15;
  return q_k_with<F>(block, i, F::scale(block, b) & mask, F::minimum(block, b) & mask);
}
template <class F>
float q_k_upper_scale_bits_from_the_wrong_byte(const typename F::Block& block, int i) {
  const auto b = static_cast<size_t>(i) / 32;
  if (b < 4) return F::value(block, i);
  const auto& s = block.scales;
  return q_k_with<F>(block, i, low_nibble(s[b + 4]) | (s[b] >> 6) << 4,
                     high_nibble(s[b + 4]) | (s[b - 4] >> 6) << 4);
}
template <class F>
float q_k_scale_nibbles_swapped(const typename F::Block& block, int i) {
  const auto b = static_cast<size_t>(i) / 32;
  if (b < 4) return F::value(block, i);
  const auto& s = block.scales;
  return q_k_with<F>(block, i, high_nibble(s[b + 4]) | (s[b - 4] >> 6) << 4,
                     low_nibble(s[b + 4]) | (s[b] >> 6) << 4);
}
template <class F>
float q_k_scale_of_the_sub_block_before(const typename F::Block& block, int i) {  // F56
  return q_k_with_sub_block<F>(block, i, (i / 32 + 7) % 8);
}
template <class F>
float q_k_scales_swapped_in_pairs(const typename F::Block& block, int i) {  // F57
  return q_k_with_sub_block<F>(block, i, i / 32 ^ 1);
}
template <class F>
float q_k_d_and_dmin_swapped(const typename F::Block& block, int i) {
  typename F::Block changed = block;
  std::swap(changed.d, changed.dmin);
  return F::value(changed, i);
}
template <class F>
float q_k_last_value_zero(const typename F::Block& block, int i) {  // F59
  return i == 255 ? 0 : F::value(block, i);
}
template <class F>
float q_k_only_64_written(const typename F::Block& block, int i) {
  return i < 64 ? F::value(block, i) : 0;
}

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

float q5_k_fifth_bit_dropped(const Q5_K::Block& block, int i) {
  Q5_K::Block changed = block;
  changed.qh = {};
  return Q5_K::value(changed, i);
}
float q5_k_fifth_bit_of_the_other_sub_block(const Q5_K::Block& block, int i) {
  Q5_K::Block changed = block;
  for (uint8_t& byte : changed.qh) byte = static_cast<uint8_t>((byte & 0x55) << 1 | (byte >> 1 & 0x55));
  return Q5_K::value(changed, i);
}
float q5_k_fifth_bits_one_after_another(const Q5_K::Block& block, int i) {
  const int fifth = block.qh[static_cast<size_t>(i / 8)] >> (i % 8) & 1;
  Q5_K::Block changed = block;
  uint8_t& byte = changed.qh[static_cast<size_t>(i % 32)];
  byte = static_cast<uint8_t>((byte & ~(1 << (i / 32))) | fifth << (i / 32));
  return Q5_K::value(changed, i);
}

/// Q2_K by hand, with the byte of scales given.
float q2_k_with(const Q2_K::Block& block, int i, int scale, int minimum) {
  const int q = block.qs[static_cast<size_t>(32 * (i / 128) + i % 32)] >> (i % 128 / 32 * 2) & 3;
  return block.d.value() * static_cast<float>(scale * q) - block.dmin.value() * static_cast<float>(minimum);
}
float q2_k_scales_of(const Q2_K::Block& block, int i, int b) {
  const uint8_t scales = block.scales[static_cast<size_t>(b)];
  return q2_k_with(block, i, low_nibble(scales), high_nibble(scales));
}
float q2_k_minimum_added(const Q2_K::Block& block, int i) {
  const uint8_t scales = block.scales[static_cast<size_t>(i / 16)];
  return q2_k_with(block, i, low_nibble(scales), -high_nibble(scales));
}
float q2_k_scale_and_minimum_swapped(const Q2_K::Block& block, int i) {
  const uint8_t scales = block.scales[static_cast<size_t>(i / 16)];
  return q2_k_with(block, i, high_nibble(scales), low_nibble(scales));
}
float q2_k_scale_of_the_other_half_stripe(const Q2_K::Block& block, int i) {
  return q2_k_scales_of(block, i, i / 16 ^ 1);
}
float q2_k_one_scale_for_32_values(const Q2_K::Block& block, int i) {
  return q2_k_scales_of(block, i, i / 32 * 2);
}
float q2_k_scale_of_the_place_in_the_bytes(const Q2_K::Block& block, int i) {
  return q2_k_scales_of(block, i, i / 128 * 8 + i % 16 / 2);
}
float q2_k_codes_as_neighbours(const Q2_K::Block& block, int i) {
  const uint8_t scales = block.scales[static_cast<size_t>(i / 16)];
  const int q = block.qs[static_cast<size_t>(i / 4)] >> (i % 4 * 2) & 3;
  return block.d.value() * static_cast<float>(low_nibble(scales) * q) -
         block.dmin.value() * static_cast<float>(high_nibble(scales));
}
float q2_k_d_and_dmin_swapped(const Q2_K::Block& block, int i) {
  Q2_K::Block changed = block;
  std::swap(changed.d, changed.dmin);
  return Q2_K::value(changed, i);
}

float q3_k_with_scale(const Q3_K::Block& block, int i, int scale) {
  const int own = Q3_K::scale(block, static_cast<size_t>(i / 16));
  return Q3_K::value(block, i) / static_cast<float>(own) * static_cast<float>(scale);
}
float q3_k_scale_of_four_bits_minus_8(const Q3_K::Block& block, int i) {
  const auto b = static_cast<size_t>(i / 16);
  const uint8_t byte = block.scales[b / 2];
  return q3_k_with_scale(block, i, (b % 2 == 0 ? low_nibble(byte) : high_nibble(byte)) - 8);
}
float q3_k_upper_scale_bits_dropped(const Q3_K::Block& block, int i) {
  return q3_k_with_scale(block, i, ((Q3_K::scale(block, static_cast<size_t>(i / 16)) + 32) & 15) - 32);
}
float q3_k_upper_scale_bits_from_the_wrong_byte(const Q3_K::Block& block, int i) {
  Q3_K::Block changed = block;
  std::rotate(changed.scales.begin() + 8, changed.scales.begin() + 9, changed.scales.end());
  return Q3_K::value(changed, i);
}
float q3_k_scale_not_centred(const Q3_K::Block& block, int i) {
  return q3_k_with_scale(block, i, Q3_K::scale(block, static_cast<size_t>(i / 16)) + 32);
}
float q3_k_third_bit_inverted(const Q3_K::Block& block, int i) {
  Q3_K::Block changed = block;
  for (uint8_t& byte : changed.hmask) byte = static_cast<uint8_t>(~byte);
  return Q3_K::value(changed, i);
}
float q3_k_third_bit_left_out(const Q3_K::Block& block, int i) {
  Q3_K::Block changed = block;
  changed.hmask.fill(0xFF);
  return Q3_K::value(changed, i);
}
float q3_k_mask_one_bit_after_another(const Q3_K::Block& block, int i) {
  const int third = block.hmask[static_cast<size_t>(i / 8)] >> (i % 8) & 1;
  Q3_K::Block changed = block;
  uint8_t& byte = changed.hmask[static_cast<size_t>(i % 32)];
  byte = static_cast<uint8_t>((byte & ~(1 << (i / 32))) | third << (i / 32));
  return Q3_K::value(changed, i);
}
float q3_k_mask_of_the_other_half(const Q3_K::Block& block, int i) {
  Q3_K::Block changed = block;
  for (uint8_t& byte : changed.hmask) byte = static_cast<uint8_t>(byte << 4 | byte >> 4);
  return Q3_K::value(changed, i);
}
float q3_k_codes_of_the_other_stripe(const Q3_K::Block& block, int i) {
  Q3_K::Block changed = block;
  for (uint8_t& byte : changed.qs) byte = static_cast<uint8_t>(byte << 2 | byte >> 6);
  return Q3_K::value(changed, i);
}

float q8_k_codes_unsigned(const Q8_K::Block& block, int i) {
  return block.d.value() * static_cast<float>(static_cast<uint8_t>(block.qs[static_cast<size_t>(i)]));
}
float q8_k_scale_as_half(const Q8_K::Block& block, int i) {
  const HalfBytes half{{block.d.bytes[0], block.d.bytes[1]}};
  return half.value() * static_cast<float>(block.qs[static_cast<size_t>(i)]);
}
float q8_k_codes_after_the_sums(const Q8_K::Block& block, int i) {
  const auto bytes = std::bit_cast<std::array<uint8_t, 292>>(block);
  return block.d.value() * static_cast<float>(static_cast<int8_t>(bytes[static_cast<size_t>(i + 36)]));
}

const Mutant kMutantsOf256[] = {
    mutant<Q4_K, scale_widened_like_bf16<Q4_K>>("Q4KScaleWidenedLikeBf16"),
    mutant<Q4_K, nibbles_as_neighbours<Q4_K, 32>>("Q4KNibblesAsNeighbours"),
    mutant<Q4_K, q_k_minimum_added<Q4_K>>("Q4KMinimumAdded"),
    mutant<Q4_K, q_k_minimum_left_out<Q4_K>>("Q4KMinimumLeftOut"),
    mutant<Q4_K, q_k_upper_scale_bits_dropped<Q4_K>>("Q4KUpperScaleBitsDropped"),
    mutant<Q4_K, q_k_upper_scale_bits_from_the_wrong_byte<Q4_K>>("Q4KUpperScaleBitsFromTheWrongByte"),
    mutant<Q4_K, q_k_scale_nibbles_swapped<Q4_K>>("Q4KScaleNibblesSwapped"),
    mutant<Q4_K, q_k_scale_of_the_sub_block_before<Q4_K>>("Q4KScaleOfTheSubBlockBefore"),
    mutant<Q4_K, q_k_scales_swapped_in_pairs<Q4_K>>("Q4KScalesSwappedInPairs"),
    mutant<Q4_K, q_k_d_and_dmin_swapped<Q4_K>>("Q4KDAndDminSwapped"),
    mutant<Q4_K, q_k_last_value_zero<Q4_K>>("Q4KLastValueZero"),
    mutant<Q4_K, q_k_only_64_written<Q4_K>>("Q4KOnly64Written"),
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
    mutant<Q5_K, scale_widened_like_bf16<Q5_K>>("Q5KScaleWidenedLikeBf16"),
    mutant<Q5_K, nibbles_as_neighbours<Q5_K, 32>>("Q5KNibblesAsNeighbours"),
    mutant<Q5_K, q_k_minimum_added<Q5_K>>("Q5KMinimumAdded"),
    mutant<Q5_K, q_k_minimum_left_out<Q5_K>>("Q5KMinimumLeftOut"),
    mutant<Q5_K, q_k_upper_scale_bits_dropped<Q5_K>>("Q5KUpperScaleBitsDropped"),
    mutant<Q5_K, q_k_upper_scale_bits_from_the_wrong_byte<Q5_K>>("Q5KUpperScaleBitsFromTheWrongByte"),
    mutant<Q5_K, q_k_scale_nibbles_swapped<Q5_K>>("Q5KScaleNibblesSwapped"),
    mutant<Q5_K, q_k_scale_of_the_sub_block_before<Q5_K>>("Q5KScaleOfTheSubBlockBefore"),
    mutant<Q5_K, q_k_scales_swapped_in_pairs<Q5_K>>("Q5KScalesSwappedInPairs"),
    mutant<Q5_K, q_k_d_and_dmin_swapped<Q5_K>>("Q5KDAndDminSwapped"),
    mutant<Q5_K, q_k_last_value_zero<Q5_K>>("Q5KLastValueZero"),
    mutant<Q5_K, q_k_only_64_written<Q5_K>>("Q5KOnly64Written"),
    mutant<Q5_K, q5_k_fifth_bit_dropped>("Q5KFifthBitDropped"),
    mutant<Q5_K, q5_k_fifth_bit_of_the_other_sub_block>("Q5KFifthBitOfTheOtherSubBlock"),
    mutant<Q5_K, q5_k_fifth_bits_one_after_another>("Q5KFifthBitsOneAfterAnother"),
    mutant<Q2_K, scale_widened_like_bf16<Q2_K>>("Q2KScaleWidenedLikeBf16"),
    mutant<Q2_K, q2_k_minimum_added>("Q2KMinimumAdded"),
    mutant<Q2_K, q2_k_scale_and_minimum_swapped>("Q2KScaleAndMinimumSwapped"),
    mutant<Q2_K, q2_k_scale_of_the_other_half_stripe>("Q2KScaleOfTheOtherHalfStripe"),
    mutant<Q2_K, q2_k_one_scale_for_32_values>("Q2KOneScaleFor32Values"),
    mutant<Q2_K, q2_k_scale_of_the_place_in_the_bytes>("Q2KScaleOfThePlaceInTheBytes"),
    mutant<Q2_K, q2_k_codes_as_neighbours>("Q2KCodesAsNeighbours"),
    mutant<Q2_K, q2_k_d_and_dmin_swapped>("Q2KDAndDminSwapped"),
    mutant<Q3_K, scale_widened_like_bf16<Q3_K>>("Q3KScaleWidenedLikeBf16"),
    mutant<Q3_K, q3_k_scale_of_four_bits_minus_8>("Q3KScaleOfFourBitsMinus8"),
    mutant<Q3_K, q3_k_upper_scale_bits_dropped>("Q3KUpperScaleBitsDropped"),
    mutant<Q3_K, q3_k_upper_scale_bits_from_the_wrong_byte>("Q3KUpperScaleBitsFromTheWrongByte"),
    mutant<Q3_K, q3_k_scale_not_centred>("Q3KScaleNotCentred"),
    mutant<Q3_K, q3_k_third_bit_inverted>("Q3KThirdBitInverted"),
    mutant<Q3_K, q3_k_third_bit_left_out>("Q3KThirdBitLeftOut"),
    mutant<Q3_K, q3_k_mask_one_bit_after_another>("Q3KMaskOneBitAfterAnother"),
    mutant<Q3_K, q3_k_mask_of_the_other_half>("Q3KMaskOfTheOtherHalf"),
    mutant<Q3_K, q3_k_codes_of_the_other_stripe>("Q3KCodesOfTheOtherStripe"),
    mutant<Q8_K, q8_k_codes_unsigned>("Q8KCodesUnsigned"),
    mutant<Q8_K, q8_k_scale_as_half>("Q8KScaleAsHalf"),
    mutant<Q8_K, q8_k_codes_after_the_sums>("Q8KCodesAfterTheSums"),
};
INSTANTIATE_TEST_SUITE_P(OfTwoHundredFiftySix, WrongDecoder, testing::ValuesIn(kMutantsOf256), name_of);

}  // namespace
}  // namespace kigo::quant
