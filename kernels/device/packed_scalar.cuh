// Packed scalars: F32, F16, BF16; fewer than 2^31 columns. Eight units share a stretch of 256 columns: the
// k-th load of 16 bytes of all eight is one run of 128 bytes.
#pragma once

#include <cuda_bf16.h>

#include "kernels/device/packed_unit.cuh"

namespace kigo::kernels::device::packed {

/// x of a lane's unit: where it lies in shared memory. In registers its 32 floats and 32 of weights would be
/// more than a thread of 20 warps has.
template <class F>
struct FloatUnit {
  const float* slots = nullptr;  // none: zeros
  int unit = 0;

  /// Of the unit-th unit among the columns that lie in `slots`.
  static __device__ FloatUnit load(const float* slots, int unit) { return {slots, unit}; }
  /// Values i .. i + 3 in F's order, i a multiple of 4, as F::run is.
  __device__ float4 four(int i) const {
    const int column = F::position(unit, i);
    return *reinterpret_cast<const float4*>(slots + slot_of(column) + column % kSlotColumns);
  }
};

/// E: an unsigned number of the element's size; F: widens the i-th of the elements that share a word of 32
/// bits. Elements stay in words until they are used: 16 bits by themselves would take a register each.
template <class F, class E>
struct Scalar {
  static constexpr bool whole = false;
  static constexpr bool fixed = false;  // x enters dot() as it is
  using Vector = FloatUnit<F>;
  static constexpr int run = 16 / static_cast<int>(sizeof(E));  // values of one load
  static constexpr int kToAWord = 4 / static_cast<int>(sizeof(E));
  struct Raw {
    uint32_t words[kUnit / kToAWord];
  };

  static __host__ __device__ constexpr int position(int unit, int i) {
    return 256 * (unit / 8) + (8 * run) * (i / run) + run * (unit % 8) + i % run;
  }

  static __device__ Raw load(const Planes& planes, int64_t row, int unit) {
    const E* values = reinterpret_cast<const E*>(planes.plane[0]) + row * planes.cols;
    const int first = position(unit, 0);
    // All or nothing for the whole unit: rows of odd length start anywhere, and the last stretch may end
    // early.
    const bool aligned = reinterpret_cast<uintptr_t>(values) % 16 == 0;
    if (!aligned || position(unit, kUnit - 1) >= planes.cols)
      return load_one_by_one(values + first, static_cast<int>(planes.cols) - first);
    Raw raw;
    const auto* own = reinterpret_cast<const std::byte*>(values + first);
#pragma unroll
    for (int k = 0; k < kUnit / run; ++k) {
      const uint4 four = load_streamed16(own + position(0, k * run) * static_cast<int>(sizeof(E)));
      raw.words[4 * k] = four.x;
      raw.words[4 * k + 1] = four.y;
      raw.words[4 * k + 2] = four.z;
      raw.words[4 * k + 3] = four.w;
    }
    return raw;
  }
  /// Of the `left` columns from the unit's first one on; zeros beyond. Not inlined: its 32 comparisons would
  /// take the registers that the fast way needs.
  static __device__ __noinline__ Raw load_one_by_one(const E* own, int left) {
    Raw raw;
#pragma unroll
    for (int i = 0; i < kUnit; ++i) {
      const int offset = position(0, i);
      const uint32_t bits = offset < left ? __ldg(own + offset) : E{0};
      uint32_t& word = raw.words[i / kToAWord];
      word = i % kToAWord == 0 ? bits : word | bits << 16;
    }
    return raw;
  }

  static __device__ void decode(const Raw& raw, float (&w)[kUnit]) {
#pragma unroll
    for (int i = 0; i < kUnit; ++i) w[i] = F::widen(raw.words[i / kToAWord], i % kToAWord);
  }
  static __device__ float dot(const Raw& raw, const Vector& x) {
    float sum = 0;
    if (x.slots == nullptr) return sum;
#pragma unroll
    for (int i = 0; i < kUnit; i += 4) {
      const float4 four = x.four(i);
      const float value[4] = {four.x, four.y, four.z, four.w};
#pragma unroll
      for (int k = 0; k < 4; ++k)
        sum = fmaf(F::widen(raw.words[(i + k) / kToAWord], (i + k) % kToAWord), value[k], sum);
    }
    return sum;
  }
};

struct F32 : Scalar<F32, uint32_t> {
  static constexpr uint32_t id = 0;
  static __device__ float widen(uint32_t word, int) { return __uint_as_float(word); }
};
struct F16 : Scalar<F16, uint16_t> {
  static constexpr uint32_t id = 1;
  static __device__ float widen(uint32_t word, int i) {
    return half_at(i == 0 ? word & 0xFFFFu : word >> 16);
  }
};
struct BF16 : Scalar<BF16, uint16_t> {
  static constexpr uint32_t id = 30;
  static __device__ float widen(uint32_t word, int i) {
    return __uint_as_float(i == 0 ? word << 16 : word & 0xFFFF0000u);
  }
};

}  // namespace kigo::kernels::device::packed
