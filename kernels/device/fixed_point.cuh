// A vector as integers, for products with weights whose codes are integers: four of them are one instruction
// (dp4a), and their sum is exact.
//
// Each 32 neighbouring columns share a power of two, `scale`: x = scale * n, n a whole number of 24 bits cut
// into three digits, n = low + 256 mid + 65536 high, low and mid of 0..255, high of -64..64. Digits of four
// neighbouring columns share a word. The largest |n| of the 32 is at least 2^21, so that x is rounded by at
// most 2^-22 of the largest magnitude of its 32 columns: to nearest, the only rounding there is. Magnitudes
// below 2^-105 count as such; where one of the 32 is not finite, the scale is NaN.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/device/reduce.cuh"

namespace kigo::kernels::device {

inline constexpr int kDigits = 3;

/// Four neighbouring columns: one word of each digit.
struct FixedFour {
  uint32_t digit[kDigits];
  float scale;
};

/// max(|a|, |b|), NaN where one of them is.
__device__ inline float larger_magnitude(float a, float b) {
  float larger;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(larger) : "f"(fabsf(a)), "f"(fabsf(b)));
  return larger;
}

/// Of the 32 columns that eight neighbouring lanes, the first a multiple of 8, hold four by four. Every lane
/// of the warp calls it.
__device__ inline FixedFour to_fixed(float4 four) {
  uint32_t largest =
      __float_as_uint(larger_magnitude(larger_magnitude(four.x, four.y), larger_magnitude(four.z, four.w)));
#pragma unroll
  for (int distance = 4; distance > 0; distance /= 2)
    largest = max(largest, __shfl_xor_sync(kAllLanes, largest, distance));
  // 2^(e - 127) <= largest < 2^(e - 126); scale = 2^(e - 148), and both powers are normal numbers.
  const uint32_t exponent = max(largest >> 23, 22u);
  const float up = __uint_as_float((275 - exponent) << 23);
  FixedFour fixed;
  fixed.scale = __uint_as_float(exponent == 255 ? 0x7FC00000u : (exponent - 21) << 23);
  // Added to 1.5 * 2^23 a number is rounded to a whole one, which stands in the lowest bits plus 2^22.
  const auto whole = [&](float value) { return __float_as_uint(fmaf(value, up, 12582912.0f)); };
  const uint32_t a = whole(four.x), b = whole(four.y), c = whole(four.z), d = whole(four.w);
  const uint32_t low_ab = __byte_perm(a, b, 0x5140), low_cd = __byte_perm(c, d, 0x5140);
  const uint32_t high_ab = __byte_perm(a, b, 0x0062), high_cd = __byte_perm(c, d, 0x0062);
  fixed.digit[0] = __byte_perm(low_ab, low_cd, 0x5410);
  fixed.digit[1] = __byte_perm(low_ab, low_cd, 0x7632);
  // The highest byte has 64 too much; no sum below carries into the next byte.
  fixed.digit[2] = (__byte_perm(high_ab, high_cd, 0x5410) + 0x40404040u) ^ 0x80808080u;
  return fixed;
}

/// sum + the products of four codes with four digits. Codes are bytes, signed or not; the highest digit is
/// signed, the others are not.
template <bool SignedCodes, int Digit>
__device__ int add_products(uint32_t codes, uint32_t digits, int sum) {
  static_assert(0 <= Digit && Digit < kDigits);
  constexpr bool kSignedDigits = Digit == kDigits - 1;
  if constexpr (SignedCodes && kSignedDigits)
    asm("dp4a.s32.s32 %0, %1, %2, %0;" : "+r"(sum) : "r"(codes), "r"(digits));
  else if constexpr (SignedCodes)
    asm("dp4a.s32.u32 %0, %1, %2, %0;" : "+r"(sum) : "r"(codes), "r"(digits));
  else if constexpr (kSignedDigits)
    asm("dp4a.u32.s32 %0, %1, %2, %0;" : "+r"(sum) : "r"(codes), "r"(digits));
  else
    asm("dp4a.u32.u32 %0, %1, %2, %0;" : "+r"(sum) : "r"(codes), "r"(digits));
  return sum;
}

/// The sum of up to 32 products of a code and a whole number, by digits.
struct GroupSum {
  int digit[kDigits] = {};

  /// The sum itself, if it fits 32 bits; the steps to it need not.
  __device__ int whole() const {
    const auto part = [&](int k) { return static_cast<uint32_t>(digit[k]); };
    return static_cast<int>(part(0) + 256u * part(1) + 65536u * part(2));
  }
  /// The sum, whatever its size. Low and mid fit 32 bits together (32 * 128 * 65535); their conversion is off
  /// by at most 2^-8 of what rounding x may have cost. The last step rounds once.
  __device__ float joined() const {
    return fmaf(static_cast<float>(digit[2]), 65536.0f, static_cast<float>(digit[0] + 256 * digit[1]));
  }
};

/// 32 columns of a vector in shared memory: as floats, or as eight words of each digit and the scale. With 36
/// words to each 32 columns, lanes that read 16 bytes of neighbouring ones meet no bank twice.
inline constexpr int kSlotColumns = 32;
inline constexpr int kSlotWords = 36;
inline constexpr int kSlotDigit = kSlotColumns / 4;      // words of one digit
inline constexpr int kSlotScale = kDigits * kSlotDigit;  // where the scale stands

__device__ inline int slot_of(int column) { return column / kSlotColumns * kSlotWords; }

/// Columns 4 * word .. 4 * word + 3 of a slot, as floats.
__device__ inline float4& floats_at(float* slot, int word) { return reinterpret_cast<float4*>(slot)[word]; }

/// Leaves them there as integers, where fixed_words() finds them. Every lane of the warp calls it, as
/// to_fixed().
__device__ inline void store_fixed(float* slot, int word, float4 four) {
  const FixedFour fixed = to_fixed(four);
  auto* words = reinterpret_cast<uint32_t*>(slot);
#pragma unroll
  for (int k = 0; k < kDigits; ++k) words[k * kSlotDigit + word] = fixed.digit[k];
  if (word == 0) slot[kSlotScale] = fixed.scale;
}

/// `Words` words of digit k from `column` on, a multiple of 4 * Words.
template <int Words>
__device__ void fixed_words(const float* slots, int column, int k, uint32_t* words) {
  const float* at = slots + slot_of(column) + k * kSlotDigit + column % kSlotColumns / 4;
  if constexpr (Words == 4) {
    const uint4 four = *reinterpret_cast<const uint4*>(at);
    words[0] = four.x, words[1] = four.y, words[2] = four.z, words[3] = four.w;
  } else if constexpr (Words == 2) {
    const uint2 two = *reinterpret_cast<const uint2*>(at);
    words[0] = two.x, words[1] = two.y;
  } else {
    static_assert(Words == 1);
    words[0] = *reinterpret_cast<const uint32_t*>(at);
  }
}

}  // namespace kigo::kernels::device
