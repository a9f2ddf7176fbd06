// Loads of weights: read once, 16 bytes at a time, without pushing out of the first-level cache what is read
// again.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace kigo::kernels::device {

/// 16 bytes from an address that is a multiple of 16, of memory that nobody writes while the kernel runs.
__device__ inline uint4 load_streamed16(const std::byte* at) {
  uint4 value;
  asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
               : "l"(at));
  return value;
}
/// The same for memory of which the next load takes the other half of the 32-byte sector.
__device__ inline uint4 load_halves16(const std::byte* at) {
  uint4 value;
  asm volatile("ld.global.nc.L1::evict_first.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
               : "l"(at));
  return value;
}
__device__ inline uint2 load_streamed8(const std::byte* at) {
  uint2 value;
  asm volatile("ld.global.nc.L1::no_allocate.v2.u32 {%0, %1}, [%2];"
               : "=r"(value.x), "=r"(value.y)
               : "l"(at));
  return value;
}

/// Aligned to the size of T, read by several lanes.
template <class T>
__device__ T load_shared_by_lanes(const std::byte* at) {
  return __ldg(reinterpret_cast<const T*>(at));
}

}  // namespace kigo::kernels::device
