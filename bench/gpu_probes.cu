// One thread each for clock and spin; reading takes 16 bytes a thread and four of them at a time.
#include "bench/gpu_probes.h"

#include <cooperative_groups.h>

#include "kernels/runtime/status.h"

namespace kigo::bench {
namespace {

using kernels::status_of;

constexpr uint64_t kStampNs = 20'000;
constexpr int kReadThreads = 512;
constexpr int kReadBlocksEach = 4;  // 2,048 threads fill a multiprocessor
constexpr int kBarrierThreads = 128;

__device__ uint64_t global_ns() {
  uint64_t ns;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(ns));
  return ns;
}

/// The next tick of the timer, and the cycle at which it was seen.
__device__ ClockStamp tick() {
  const uint64_t before = global_ns();
  uint64_t now = before;
  while (now == before) now = global_ns();
  return {now, static_cast<uint64_t>(clock64())};
}

__global__ void stamp_kernel(ClockStamp* out) {
  const ClockStamp begun = tick();
  ClockStamp ended = begun;
  while (ended.ns - begun.ns < kStampNs) ended = tick();
  *out = {ended.ns - begun.ns, ended.cycles - begun.cycles};
}

__global__ void spin_kernel(int64_t cycles) {
  const int64_t begun = clock64();
  while (clock64() - begun < cycles) {
  }
}

__global__ void nothing_kernel() {}

__global__ void read_kernel(const uint4* data, int64_t count, uint32_t* out) {
  const int64_t stride = int64_t{gridDim.x} * blockDim.x;
  uint32_t sum = 0;
  for (int64_t at = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; at < count; at += 4 * stride) {
    uint4 read[4] = {};
#pragma unroll
    for (int i = 0; i < 4; ++i)
      if (at + i * stride < count) read[i] = data[at + i * stride];
#pragma unroll
    for (int i = 0; i < 4; ++i) sum += read[i].x + read[i].y + read[i].z + read[i].w;
  }
  if (sum == 0x6B69676F) *out = sum;  // practically never, which the compiler cannot know
}

__global__ void barrier_kernel(int64_t count) {
  for (int64_t i = 0; i < count; ++i) cooperative_groups::this_grid().sync();
}

}  // namespace

Status stamp_clock(ClockStamp* out, kernels::Stream stream) {
  stamp_kernel<<<1, 1, 0, stream>>>(out);
  return status_of(cudaGetLastError(), "clock stamp");
}

Status spin(int64_t cycles, kernels::Stream stream) {
  spin_kernel<<<1, 1, 0, stream>>>(cycles);
  return status_of(cudaGetLastError(), "spin");
}

Status launch_nothing(kernels::Stream stream) {
  nothing_kernel<<<1, 32, 0, stream>>>();
  return status_of(cudaGetLastError(), "empty kernel");
}

Status read_all(const void* data, int64_t bytes, uint32_t* out, int multiprocessors, kernels::Stream stream) {
  read_kernel<<<static_cast<unsigned>(multiprocessors * kReadBlocksEach), kReadThreads, 0, stream>>>(
      static_cast<const uint4*>(data), bytes / static_cast<int64_t>(sizeof(uint4)), out);
  return status_of(cudaGetLastError(), "read");
}

Status wait_for_all(int64_t count, int multiprocessors, kernels::Stream stream) {
  void* arguments[] = {&count};
  return status_of(cudaLaunchCooperativeKernel(reinterpret_cast<const void*>(barrier_kernel),
                                               dim3(static_cast<unsigned>(multiprocessors)),
                                               dim3(kBarrierThreads), arguments, 0, stream),
                   "grid barrier");
}

}  // namespace kigo::bench
