// Elements of the types that activations have, widened to float and rounded back.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "core/base/half.h"

namespace kigo::kernels::device {

__device__ inline float widen(float value) { return value; }
__device__ inline float widen(f16 value) { return __half2float(__ushort_as_half(value.bits)); }
__device__ inline float widen(bf16 value) { return __bfloat162float(__ushort_as_bfloat16(value.bits)); }

/// Rounds to nearest, ties to even.
template <class T>
__device__ T narrow(float value);
template <>
__device__ inline float narrow<float>(float value) {
  return value;
}
template <>
__device__ inline f16 narrow<f16>(float value) {
  return {__half_as_ushort(__float2half_rn(value))};
}
template <>
__device__ inline bf16 narrow<bf16>(float value) {
  return {__bfloat16_as_ushort(__float2bfloat16_rn(value))};
}

}  // namespace kigo::kernels::device
