// How attention reads keys and values: 16 bytes at a time, widened to float.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "core/base/half.h"
#include "core/base/view.h"
#include "core/ops/kv_cache.h"

namespace kigo::kernels::device {

/// Elements of C in 16 bytes, which is what a thread loads at once.
template <class C>
constexpr int kUnit = static_cast<int>(16 / sizeof(C));

/// 16 bytes from global to shared memory; both addresses are multiples of 16.
__device__ inline void copy_async(void* shared, const void* global) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(
                   static_cast<unsigned>(__cvta_generic_to_shared(shared))),
               "l"(global)
               : "memory");
}
/// Closes a group of this thread's copies.
__device__ inline void end_copy_group() { asm volatile("cp.async.commit_group;" ::: "memory"); }
/// Until all but the latest Pending groups of this thread have arrived.
template <int Pending>
__device__ void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(Pending) : "memory");
}

/// The elements of one unit as floats, exact.
__device__ inline void widen_unit(const uint4& unit, float (&to)[kUnit<float>]) {
  to[0] = __uint_as_float(unit.x);
  to[1] = __uint_as_float(unit.y);
  to[2] = __uint_as_float(unit.z);
  to[3] = __uint_as_float(unit.w);
}
__device__ inline float2 widen_pair(uint32_t bits) {
  return __half22float2(__halves2half2(__ushort_as_half(static_cast<uint16_t>(bits)),
                                       __ushort_as_half(static_cast<uint16_t>(bits >> 16))));
}
__device__ inline void widen_unit(const uint4& unit, float (&to)[kUnit<f16>]) {
  const uint32_t words[4] = {unit.x, unit.y, unit.z, unit.w};
#pragma unroll
  for (int n = 0; n < 4; ++n) {
    const float2 pair = widen_pair(words[n]);
    to[2 * n] = pair.x;
    to[2 * n + 1] = pair.y;
  }
}

/// Elements 2 * pair and 2 * pair + 1 of a row in shared memory.
__device__ inline float2 load_pair(const float* row, int pair) {
  return reinterpret_cast<const float2*>(row)[pair];
}
__device__ inline float2 load_pair(const f16* row, int pair) {
  return widen_pair(reinterpret_cast<const uint32_t*>(row)[pair]);
}

/// Where the row of a position begins, in a page that is already known.
template <class C>
__device__ const C* row_of(const View<const C, 4, Space::Device>& pool, int64_t page, int64_t kv_head,
                           int64_t position) {
  return pool.data + page * pool.stride[0] + kv_head * pool.stride[1] +
         position % ops::kPagePositions * pool.stride[2];
}

}  // namespace kigo::kernels::device
