// What the kernels on rows of logits share: tiles of 1024 columns, one block each, the row's maximum, and
// weights relative to it.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "core/base/view.h"
#include "core/ops/expect.h"
#include "kernels/device/launch.cuh"
#include "kernels/device/reduce.cuh"
#include "kernels/sampling_workspace.h"

namespace kigo::kernels::device {

constexpr int kSampleThreads = 256;
constexpr int kSampleColumns = static_cast<int>(kSampleTile) / kSampleThreads;  // a thread, 256 apart

using Logits = View<const double, 2, Space::Device>;

/// Unsigned integers in the order of the doubles, -0 equal to +0; no NaN.
__device__ inline uint64_t ordered(double value) {
  const auto bits = static_cast<uint64_t>(__double_as_longlong(value + 0.0));  // -0 + 0 = +0
  return bits >> 63 != 0 ? ~bits : bits | uint64_t{1} << 63;
}
__device__ inline double from_ordered(uint64_t key) {
  const uint64_t bits = key >> 63 != 0 ? key & ~(uint64_t{1} << 63) : ~key;
  return __longlong_as_double(static_cast<long long>(bits));
}

/// use(i, x[i]) for each column of this block's tile (block x) of row `row`.
template <class Use>
__device__ void each_logit(const Logits& x, int64_t row, Use use) {
  const double* data = x.data + row * x.stride[0];
#pragma unroll
  for (int n = 0; n < kSampleColumns; ++n) {
    const int64_t i = int64_t{blockIdx.x} * kSampleTile + n * kSampleThreads + threadIdx.x;
    if (i < x.shape[1]) use(i, data[i]);
  }
}

/// Kernels in headers are templates: one copy in the library, and none where they are not launched.
/// Grid: tiles, rows. maxima[row, tile] = ordered(the tile's largest).
template <class T>
__global__ void tile_maxima_kernel(View<const T, 2, Space::Device> x, uint64_t* maxima) {
  __shared__ uint64_t shared[kWarp];
  uint64_t largest = 0;
  each_logit(x, blockIdx.y, [&](int64_t, double value) { largest = max(largest, ordered(value)); });
  largest = block_max<kSampleThreads>(largest, shared);
  if (threadIdx.x == 0) maxima[int64_t{blockIdx.y} * gridDim.x + blockIdx.x] = largest;
}

/// The row's largest logit, in every thread of a block of kSampleThreads, all of which call it.
__device__ inline double row_maximum(const uint64_t* maxima, int64_t row, int64_t tiles) {
  __shared__ uint64_t shared[kWarp];
  uint64_t largest = 0;
  for (int64_t tile = threadIdx.x; tile < tiles; tile += kSampleThreads)
    largest = max(largest, maxima[row * tiles + tile]);
  return from_ordered(block_max<kSampleThreads>(largest, shared));
}

inline Launch tiles_launch(std::string_view name, const Logits& x) {
  return {
      .name = name, .blocks_x = sample_tiles(x.shape[1]), .blocks_y = x.shape[0], .threads = kSampleThreads};
}

inline Status launch_tile_maxima(std::string_view name, const Logits& x, uint64_t* maxima, Stream stream) {
  return launch(tiles_launch(name, x), tile_maxima_kernel<double>, stream, x, maxima);
}

/// Grid: tiles, rows. y may be x.
template <class T>
__global__ void copy_logits_kernel(View<const T, 2, Space::Device> x, View<T, 2, Space::Device> y) {
  each_logit(x, blockIdx.y, [&](int64_t i, double value) { y.data[blockIdx.y * y.stride[0] + i] = value; });
}
inline Status copy_logits(std::string_view name, const Logits& x, const View<double, 2, Space::Device>& y,
                          Stream stream) {
  return launch(tiles_launch(name, x), copy_logits_kernel<double>, stream, x, y);
}

/// Memory for at least `needed` words. Errors: bad_shape.
inline Status expect_workspace(std::string_view subject, const View<uint64_t, 1, Space::Device>& found,
                               int64_t needed) {
  KIGO_TRY(ops::expect_view(subject, found, found.shape));
  if (found.shape[0] >= needed) return {};
  return fail(Code::bad_shape, std::string(subject), cat(found.shape[0], " words"), cat("at least ", needed));
}

}  // namespace kigo::kernels::device
