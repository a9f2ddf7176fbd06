// What the packed formats share: the planes of a matrix, codes turned into floats, and decode() and dot()
// made from a format's codes and scales.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "core/ops/packing.h"
#include "kernels/device/fixed_point.cuh"
#include "kernels/device/load.cuh"

namespace kigo::kernels::device {

inline constexpr int kUnit = kSlotColumns;  // values that one lane decodes at a time

/// A packed matrix as kernels take it, by value.
struct Planes {
  const std::byte* plane[ops::kMaxPlanes];
  int64_t cols;
  int64_t units;  // of a row
};

/// Units before this one in the matrix, in 32 bits: 64-bit products cost a lane as much as decoding some
/// values. A matrix of 2^32 units, 137 billion values, is refused before a launch (planes_of()).
__device__ inline uint32_t unit_index(const Planes& planes, int64_t row, int unit) {
  return static_cast<uint32_t>(row) * static_cast<uint32_t>(planes.units) + static_cast<uint32_t>(unit);
}

/// The binary16 in the lower 16 bits, exactly.
__device__ inline float half_at(uint32_t bits) {
  return __half2float(__ushort_as_half(static_cast<unsigned short>(bits)));
}

/// Byte `Index` of `bytes` minus `Zero`, exactly. Set into the mantissa of 2^23 the byte is 2^23 + byte: a
/// byte permutation and a subtraction, where the conversion instruction runs at a quarter of their rate.
template <int Index, int Zero = 0>
__device__ float byte_to_float(uint32_t bytes) {
  return __uint_as_float(__byte_perm(bytes, 0x4B000000u, 0x7440 | Index)) - (8388608.0f + Zero);
}

/// A sixteenth of byte `Index`, exactly, in the same way: the byte's unit in 2^19 is 2^-4.
template <int Index>
__device__ float byte_to_sixteenth(uint32_t bytes) {
  return __uint_as_float(__byte_perm(bytes, 0x49000000u, 0x7440 | Index)) - 524288.0f;
}

/// Four of them, in order.
template <int Zero = 0>
__device__ void bytes_to_floats(uint32_t bytes, float* out) {
  out[0] = byte_to_float<0, Zero>(bytes);
  out[1] = byte_to_float<1, Zero>(bytes);
  out[2] = byte_to_float<2, Zero>(bytes);
  out[3] = byte_to_float<3, Zero>(bytes);
}

/// 32 codes of four bits as bytes: the low nibbles of 16 bytes, then the high ones.
__device__ inline void nibbles(const uint4& bytes, uint32_t (&q)[kUnit / 4]) {
  const uint32_t words[4] = {bytes.x, bytes.y, bytes.z, bytes.w};
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    q[k] = words[k] & 0x0F0F0F0Fu;
    q[4 + k] = words[k] >> 4 & 0x0F0F0F0Fu;
  }
}

/// x of a lane's unit as the sums of F's codes take it: in the order of F's values, as integers.
template <class F>
struct FixedUnit {
  uint32_t digit[kDigits][kUnit / 4];
  float scale[F::groups];
  GroupSum start[F::groups];  // what the codes' zero takes from a group's sum; nothing where it is 0
  float sum[F::groups];       // of a group's x, for formats with offsets

  /// Of the unit-th unit among the columns that lie in `slots`.
  static __device__ FixedUnit load(const float* slots, int unit) {
    constexpr int kRun = F::run < 16 ? F::run : 16, kGroup = kUnit / F::groups;
    FixedUnit x;
#pragma unroll
    for (int i = 0; i < kUnit; i += kRun) {
#pragma unroll
      for (int k = 0; k < kDigits; ++k)
        fixed_words<kRun / 4>(slots, F::position(unit, i), k, x.digit[k] + i / 4);
    }
#pragma unroll
    for (int g = 0; g < F::groups; ++g) {
      GroupSum sum;
#pragma unroll
      for (int word = g * kGroup / 4; word < (g + 1) * kGroup / 4; ++word)
        x.add<false>(0x01010101u, word, sum);
      x.scale[g] = slots[slot_of(F::position(unit, g * kGroup)) + kSlotScale];
      x.sum[g] = static_cast<float>(sum.whole()) * x.scale[g];
      if constexpr (F::whole_sums) {
        x.start[g].digit[0] = -F::zero * sum.whole();
      } else {
#pragma unroll
        for (int k = 0; k < kDigits; ++k) x.start[g].digit[k] = -F::zero * sum.digit[k];
      }
    }
    return x;
  }

  /// Adds the products of four codes with a word of each digit.
  template <bool SignedCodes>
  __device__ void add(uint32_t codes, int word, GroupSum& sum) const {
    sum.digit[0] = add_products<SignedCodes, 0>(codes, digit[0][word], sum.digit[0]);
    sum.digit[1] = add_products<SignedCodes, 1>(codes, digit[1][word], sum.digit[1]);
    sum.digit[2] = add_products<SignedCodes, 2>(codes, digit[2][word], sum.digit[2]);
  }
};

/// Makes decode() and dot() of a format F whose unit has Groups runs of 32 / Groups values with one scale
/// each, and with one offset each if Offsets; Largest is the magnitude of a code less its zero. A group lies
/// within 32 columns that begin at a multiple of 32. F supplies
///   codes(raw, q)         the 32 codes in the order of i, four to a word, a byte each
///   zero, signed_codes    what is to be taken from the bytes; whether they are two's complements (zero is 0)
///   scales(raw, scale, offset)  per group, exactly: value = scale * (code - zero) + offset; offsets are left
///                               alone by formats without
template <class F, int Groups, bool Offsets, int Largest>
struct Grouped {
  static constexpr bool whole = true;
  static constexpr bool fixed = true;  // x enters dot() as integers
  using Vector = FixedUnit<F>;
  static constexpr int groups = Groups;
  static constexpr int kGroup = kUnit / Groups;
  static constexpr int zero = 0;
  static constexpr bool signed_codes = false;
  /// Whether a group's sum fits 32 bits: so many codes times a whole number of up to 2^22.
  static constexpr bool whole_sums = (int64_t{Largest} << 22) * kGroup < int64_t{1} << 31;

  template <class Raw>
  static __device__ void decode(const Raw& raw, float (&w)[kUnit]) {
    uint32_t q[kUnit / 4];
    float scale[Groups], offset[Groups];
    F::codes(raw, q);
    F::scales(raw, scale, offset);
#pragma unroll
    for (int word = 0; word < kUnit / 4; ++word) {
      // With the sign bit flipped a signed byte is itself plus 128.
      if constexpr (F::signed_codes)
        bytes_to_floats<128>(q[word] ^ 0x80808080u, w + 4 * word);
      else
        bytes_to_floats<F::zero>(q[word], w + 4 * word);
    }
#pragma unroll
    for (int i = 0; i < kUnit; ++i) {
      const int g = i / kGroup;
      w[i] = Offsets ? fmaf(scale[g], w[i], offset[g]) : scale[g] * w[i];
    }
  }

  template <class Raw>
  static __device__ float dot(const Raw& raw, const Vector& x) {
    uint32_t q[kUnit / 4];
    float scale[Groups], offset[Groups];
    F::codes(raw, q);
    F::scales(raw, scale, offset);
    float total = 0;
#pragma unroll
    for (int g = 0; g < Groups; ++g) {
      GroupSum sum;
      if constexpr (F::zero != 0) sum = x.start[g];
#pragma unroll
      for (int word = g * kGroup / 4; word < (g + 1) * kGroup / 4; ++word)
        x.template add<F::signed_codes>(q[word], word, sum);
      const float joined = F::whole_sums ? static_cast<float>(sum.whole()) : sum.joined();
      total = fmaf(scale[g] * x.scale[g], joined, total);
    }
    if constexpr (Offsets) {
#pragma unroll
      for (int g = 0; g < Groups; ++g) total = fmaf(offset[g], x.sum[g], total);
    }
    return total;
  }
};

}  // namespace kigo::kernels::device
