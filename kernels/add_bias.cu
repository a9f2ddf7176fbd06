// One thread, four elements: device/rows.cuh.
#include "kernels/add_bias.h"

#include "kernels/device/rows.cuh"
#include "kernels/device/scalar.cuh"

namespace kigo::kernels {
namespace {

template <class T>
__global__ void add_bias_kernel(ops::AddBias<T, Space::Device> op) {
  const T* x = op.x.data + blockIdx.x * op.x.stride[0];
  T* y = op.y.data + blockIdx.x * op.y.stride[0];
  device::each_column(
      op.y.shape[1], [&](int64_t i) { return device::widen(x[i]) + op.bias.data[i]; },
      [&](int64_t i, float sum) { y[i] = device::narrow<T>(sum); });
}

}  // namespace

template <class T>
Status add_bias(const ops::AddBias<T, Space::Device>& op, Stream stream) {
  KIGO_TRY(check(op));
  return device::launch(device::rows_launch("add_bias", op.y.shape[0], op.y.shape[1]), add_bias_kernel<T>,
                        stream, op);
}

template Status add_bias(const ops::AddBias<float, Space::Device>&, Stream);
template Status add_bias(const ops::AddBias<f16, Space::Device>&, Stream);
template Status add_bias(const ops::AddBias<bf16, Space::Device>&, Stream);

}  // namespace kigo::kernels
