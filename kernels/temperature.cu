// One thread, four elements: device/rows.cuh.
#include "kernels/temperature.h"

#include "kernels/device/rows.cuh"

namespace kigo::kernels {
namespace {

__global__ void temperature_kernel(ops::Temperature<Space::Device> op) {
  const float* x = op.x.data + blockIdx.x * op.x.stride[0];
  double* y = op.y.data + blockIdx.x * op.y.stride[0];
  device::each_column(
      op.y.shape[1],
      [&](int64_t i) { return static_cast<double>(x[i]) / static_cast<double>(op.temperature); },
      [&](int64_t i, double value) { y[i] = value; });
}

}  // namespace

Status temperature(const ops::Temperature<Space::Device>& op, Stream stream) {
  KIGO_TRY(check(op));
  return device::launch(device::rows_launch("temperature", op.y.shape[0], op.y.shape[1]), temperature_kernel,
                        stream, op);
}

}  // namespace kigo::kernels
