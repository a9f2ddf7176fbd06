// One way to walk rows element by element: block x is the row, block y a tile of 1024 columns of it, and a
// thread takes four columns that lie 256 apart, so that a warp always touches neighbours. Rows need no
// alignment.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/device/launch.cuh"

namespace kigo::kernels::device {

constexpr int kRowThreads = 256;
constexpr int kRowColumns = 4;  // a thread

inline Launch rows_launch(std::string_view name, int64_t rows, int64_t width) {
  constexpr int64_t kTile = kRowThreads * kRowColumns;
  return {.name = name,
          .blocks_x = width == 0 ? 0 : rows,
          .blocks_y = (width + kTile - 1) / kTile,
          .threads = kRowThreads};
}

/// store(i, load(i)) for every column i of this block's tile. All loads of a thread come before its stores:
/// they overlap, although the compiler cannot know that the output is not an input.
template <class Load, class Store>
__device__ void each_column(int64_t width, Load load, Store store) {
  const int64_t first = int64_t{blockIdx.y} * (kRowThreads * kRowColumns) + threadIdx.x;
  decltype(load(first)) values[kRowColumns];
#pragma unroll
  for (int n = 0; n < kRowColumns; ++n) {
    const int64_t i = first + n * kRowThreads;
    if (i < width) values[n] = load(i);
  }
#pragma unroll
  for (int n = 0; n < kRowColumns; ++n) {
    const int64_t i = first + n * kRowThreads;
    if (i < width) store(i, values[n]);
  }
}

}  // namespace kigo::kernels::device
