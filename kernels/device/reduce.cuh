// Sums and maxima over a warp and a block, always in the same order: the same bits every time.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/device/fault.cuh"

namespace kigo::kernels::device {

constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xFFFFFFFFu;

/// Of all 32 lanes, in every lane.
__device__ inline float warp_sum(float value) {
  for (int distance = kWarp / 2; distance > 0; distance /= 2)
    value += __shfl_xor_sync(kAllLanes, value, distance);
  return value;
}

__device__ inline float warp_max(float value) {
  for (int distance = kWarp / 2; distance > 0; distance /= 2)
    value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, distance));
  return value;
}

__device__ inline uint64_t warp_max(uint64_t value) {
  for (int distance = kWarp / 2; distance > 0; distance /= 2)
    value = max(value, static_cast<uint64_t>(__shfl_xor_sync(kAllLanes, value, distance)));
  return value;
}

/// Of a whole block of Threads (a multiple of 32, at most 1024), in every thread. Every thread calls it;
/// `shared` holds 32 floats that nobody else uses until the next barrier after it.
template <int Threads>
__device__ float block_sum(float value, float* shared) {
  static_assert(Threads % kWarp == 0 && Threads <= kWarp * kWarp);
  constexpr int kWarps = Threads / kWarp;
  value = warp_sum(value);
  if constexpr (kWarps == 1) return value;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  if (lane == 0) shared[threadIdx.x / kWarp] = value;
  if (!KIGO_FAULT(F61)) __syncthreads();
  return warp_sum(lane < kWarps ? shared[lane] : 0.0f);
}

/// The largest of a block's values, as block_sum hands out their sum. T = float, uint64_t.
template <int Threads, class T>
__device__ T block_max(T value, T* shared) {
  static_assert(Threads % kWarp == 0 && Threads <= kWarp * kWarp);
  constexpr int kWarps = Threads / kWarp;
  value = warp_max(value);
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  if (lane == 0) shared[threadIdx.x / kWarp] = value;
  __syncthreads();
  return warp_max(shared[lane < kWarps ? lane : 0]);
}

}  // namespace kigo::kernels::device
