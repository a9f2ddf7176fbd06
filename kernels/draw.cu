// Three launches. One block a tile of 1024 columns finds the tile's maximum, then, relative to the row's, the
// tile's sum of weights. Then one block a row adds up the tiles' sums in their order, sees in which tile the
// running sum passes the limit, and walks that tile; running sums are made by one thread, in the order of the
// ids.
#include "kernels/draw.h"

#include "kernels/device/logits.cuh"

namespace kigo::kernels {
namespace {

/// The sums lie behind the maxima, which all blocks still read.
__device__ double* sums_of(const ops::Draw<Space::Device>& op, int64_t tiles) {
  return reinterpret_cast<double*>(op.workspace.data + op.x.shape[0] * tiles);
}

/// Adds up a tile's 1024 weights in a tree: 4 a thread, then pairs at distance 128, 64 ... 1.
__device__ double tile_sum(double mine, double (&shared)[device::kSampleThreads]) {
  shared[threadIdx.x] = mine;
  for (int distance = device::kSampleThreads / 2; distance > 0; distance /= 2) {
    __syncthreads();
    if (static_cast<int>(threadIdx.x) < distance) shared[threadIdx.x] += shared[threadIdx.x + distance];
  }
  __syncthreads();
  return shared[0];
}

__global__ void tile_sums_kernel(ops::Draw<Space::Device> op) {
  __shared__ double shared[device::kSampleThreads];
  const double largest = device::row_maximum(op.workspace.data, blockIdx.y, gridDim.x);
  double sum = 0;
  device::each_logit(op.x, blockIdx.y, [&](int64_t, double value) { sum += exp(value - largest); });
  sum = tile_sum(sum, shared);
  if (threadIdx.x == 0) sums_of(op, gridDim.x)[int64_t{blockIdx.y} * gridDim.x + blockIdx.x] = sum;
}

__global__ void draw_kernel(ops::Draw<Space::Device> op, int64_t tiles) {
  __shared__ double weights[kSampleTile];
  __shared__ double before, limit;  // the sum of the tiles to the left; u * total
  __shared__ int64_t chosen;        // the tile
  const int64_t row = blockIdx.x, width = op.x.shape[1];
  const double* sums = sums_of(op, tiles) + row * tiles;
  const double* x = op.x.data + row * op.x.stride[0];
  const double largest = device::row_maximum(op.workspace.data, row, tiles);
  if (threadIdx.x == 0) {
    double total = 0, sum = 0;
    for (int64_t tile = 0; tile < tiles; ++tile) total += sums[tile];
    limit = op.u.data[row] * total;
    int64_t heavy = 0;  // the last tile with any weight: where the draw ends if rounding leaves none
    double before_heavy = 0;
    chosen = -1;
    for (int64_t tile = 0; tile < tiles && chosen < 0; ++tile) {
      if (sums[tile] > 0) heavy = tile, before_heavy = sum;
      if (sum + sums[tile] > limit) chosen = tile, before = sum;
      sum += sums[tile];
    }
    if (chosen < 0) chosen = heavy, before = before_heavy;
  }
  __syncthreads();
  const int64_t first = chosen * kSampleTile;
  for (int64_t n = threadIdx.x; n < kSampleTile; n += device::kSampleThreads)
    weights[n] = first + n < width ? exp(x[first + n] - largest) : 0;
  __syncthreads();
  if (threadIdx.x != 0) return;
  double sum = before;
  int64_t last = 0;
  for (int64_t n = 0; n < kSampleTile; ++n) {
    if (weights[n] > 0) last = n;  // the sums of a tile in a tree and in a row may differ by rounding
    sum += weights[n];
    if (sum > limit) break;
  }
  op.ids.data[row * op.ids.stride[0]] = static_cast<uint32_t>(first + last);
}

}  // namespace

Status draw(const ops::Draw<Space::Device>& op, Stream stream) {
  KIGO_TRY(check(op));
  const auto [rows, width] = op.x.shape;
  KIGO_TRY(device::expect_workspace("draw.workspace", op.workspace, row_workspace(rows, width)));
  KIGO_TRY(device::launch_tile_maxima("draw", op.x, op.workspace.data, stream));
  KIGO_TRY(device::launch(device::tiles_launch("draw", op.x), tile_sums_kernel, stream, op));
  return device::launch({.name = "draw", .blocks_x = rows, .threads = device::kSampleThreads}, draw_kernel,
                        stream, op, sample_tiles(width));
}

}  // namespace kigo::kernels
