// The greedy choice as one integer: the larger value wins, then the lower id.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace kigo::kernels::device {

/// Unsigned integers in the order of the floats: -inf < ... < -0 = +0 < ... < +inf, and every NaN below all.
__device__ inline uint32_t ordered(float value) {
  if (isnan(value)) return 0;
  const uint32_t bits = __float_as_uint(value + 0.0f);  // -0 + 0 = +0
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

/// The maximum over a row of choice_key(x[i], i) is the choice. 0 is no choice: less than any key but that of
/// a NaN with the highest id.
__device__ inline uint64_t choice_key(float value, uint32_t id) {
  return uint64_t{ordered(value)} << 32 | static_cast<uint32_t>(~id);
}
__device__ inline uint32_t choice_id(uint64_t key) { return ~static_cast<uint32_t>(key); }

}  // namespace kigo::kernels::device
