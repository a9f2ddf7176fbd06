// One block a tile of 1024 columns of a row. It reads the whole history and marks those of its own columns
// that are in it, one bit each; so an id counts once, and y may be x.
#include "kernels/repetition_penalty.h"

#include "kernels/device/logits.cuh"

namespace kigo::kernels {
namespace {

__global__ void repetition_penalty_kernel(ops::RepetitionPenalty<Space::Device> op) {
  __shared__ uint32_t seen[kSampleTile / 32];
  const int64_t first = int64_t{blockIdx.x} * kSampleTile;
  if (threadIdx.x < kSampleTile / 32) seen[threadIdx.x] = 0;
  __syncthreads();
  for (int64_t n = threadIdx.x; n < op.history.shape[0]; n += device::kSampleThreads) {
    const int64_t column = int64_t{op.history.data[n]} - first;
    if (column >= 0 && column < kSampleTile) atomicOr(&seen[column / 32], 1u << column % 32);
  }
  __syncthreads();
  const auto penalty = static_cast<double>(op.penalty);
  double* y = op.y.data + blockIdx.y * op.y.stride[0];
  device::each_logit(op.x, blockIdx.y, [&](int64_t i, double value) {
    const int64_t column = i - first;
    if ((seen[column / 32] >> column % 32 & 1u) != 0) value = value > 0 ? value / penalty : value * penalty;
    y[i] = value;
  });
}

}  // namespace

Status repetition_penalty(const ops::RepetitionPenalty<Space::Device>& op, Stream stream) {
  KIGO_TRY(check(op));
  return device::launch(device::tiles_launch("repetition_penalty", op.x), repetition_penalty_kernel, stream,
                        op);
}

}  // namespace kigo::kernels
