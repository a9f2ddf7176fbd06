// What the packed formats share: the planes of a matrix, codes turned into floats, and decode() and dot()
// made from a format's codes and scales.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "core/ops/packing.h"
#include "kernels/device/load.cuh"

namespace kigo::kernels::device {

inline constexpr int kUnit = 32;  // values that one lane decodes at a time

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

/// Four of them, in order.
template <int Zero = 0>
__device__ void bytes_to_floats(uint32_t bytes, float* out) {
  out[0] = byte_to_float<0, Zero>(bytes);
  out[1] = byte_to_float<1, Zero>(bytes);
  out[2] = byte_to_float<2, Zero>(bytes);
  out[3] = byte_to_float<3, Zero>(bytes);
}

/// Makes decode(), sums() and dot() of a format F whose unit has Groups runs of 32 / Groups values with one
/// scale each, and with one offset each if Offsets. F supplies
///   codes(raw, q)         the 32 codes as floats, exactly, in the order of i
///   scales(raw, scale)    per group, exactly
///   offsets(raw, offset)  per group, exactly; value = scale * code + offset
template <class F, int Groups, bool Offsets>
struct Grouped {
  static constexpr bool whole = true;
  static constexpr int groups = Groups;
  static constexpr int kGroup = kUnit / Groups;
  struct Sums {
    float of[Offsets ? Groups : 1];
  };

  template <class Raw>
  static __device__ void decode(const Raw& raw, float (&w)[kUnit]) {
    float scale[Groups];
    F::codes(raw, w);
    F::scales(raw, scale);
    if constexpr (Offsets) {
      float offset[Groups];
      F::offsets(raw, offset);
#pragma unroll
      for (int i = 0; i < kUnit; ++i) w[i] = fmaf(scale[i / kGroup], w[i], offset[i / kGroup]);
    } else {
#pragma unroll
      for (int i = 0; i < kUnit; ++i) w[i] = scale[i / kGroup] * w[i];
    }
  }

  /// Per group the sum of x, for the offsets; nothing for formats without.
  static __device__ Sums sums(const float (&x)[kUnit]) {
    Sums sums{};
    if constexpr (Offsets) {
#pragma unroll
      for (int i = 0; i < kUnit; ++i) sums.of[i / kGroup] += x[i];
    }
    return sums;
  }

  template <class Raw>
  static __device__ float dot(const Raw& raw, const float (&x)[kUnit], const Sums& sums) {
    float q[kUnit];
    float scale[Groups];
    F::codes(raw, q);
    F::scales(raw, scale);
    float total = 0;
#pragma unroll
    for (int g = 0; g < Groups; ++g) {
      float sum = 0;
#pragma unroll
      for (int i = g * kGroup; i < (g + 1) * kGroup; ++i) sum = fmaf(q[i], x[i], sum);
      total = fmaf(scale[g], sum, total);
    }
    if constexpr (Offsets) {
      float offset[Groups];
      F::offsets(raw, offset);
#pragma unroll
      for (int g = 0; g < Groups; ++g) total = fmaf(offset[g], sums.of[g], total);
    }
    return total;
  }

  template <class Raw>
  static __device__ float dot(const Raw& raw, const float (&x)[kUnit]) {
    return dot(raw, x, sums(x));
  }
};

}  // namespace kigo::kernels::device
