// Two launches of one block a tile of 1024 columns: the tiles' maxima, then the choice.
#include "kernels/min_p.h"

#include "kernels/device/logits.cuh"

namespace kigo::kernels {
namespace {

__global__ void min_p_kernel(ops::MinP<Space::Device> op) {
  const double largest = device::row_maximum(op.workspace.data, blockIdx.y, gridDim.x);
  const auto least = static_cast<double>(op.min_p);
  double* y = op.y.data + blockIdx.y * op.y.stride[0];
  device::each_logit(op.x, blockIdx.y, [&](int64_t i, double value) {
    y[i] = exp(value - largest) < least ? -INFINITY : value;
  });
}

}  // namespace

Status min_p(const ops::MinP<Space::Device>& op, Stream stream) {
  KIGO_TRY(check(op));
  const auto [rows, width] = op.x.shape;
  KIGO_TRY(device::expect_workspace("min_p.workspace", op.workspace, row_workspace(rows, width)));
  KIGO_TRY(device::launch_tile_maxima("min_p", op.x, op.workspace.data, stream));
  return device::launch(device::tiles_launch("min_p", op.x), min_p_kernel, stream, op);
}

}  // namespace kigo::kernels
