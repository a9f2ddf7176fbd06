// One thread, four elements: device/rows.cuh.
#include "kernels/swiglu.h"

#include "kernels/device/rows.cuh"
#include "kernels/device/scalar.cuh"

namespace kigo::kernels {
namespace {

template <class T>
__global__ void swiglu_kernel(ops::SwiGlu<T, Space::Device> op) {
  const bool turned = KIGO_FAULT(F38);
  const auto& first = turned ? op.up : op.gate;
  const auto& second = turned ? op.gate : op.up;
  const T* gate = first.data + blockIdx.x * first.stride[0];
  const T* up = second.data + blockIdx.x * second.stride[0];
  T* y = op.y.data + blockIdx.x * op.y.stride[0];
  device::each_column(
      op.y.shape[1],
      [&](int64_t i) {
        const float z = device::widen(gate[i]);
        return z / (1.0f + expf(-z)) * device::widen(up[i]);
      },
      [&](int64_t i, float product) { y[i] = device::narrow<T>(product); });
}

}  // namespace

template <class T>
Status swiglu(const ops::SwiGlu<T, Space::Device>& op, Stream stream) {
  KIGO_TRY(check(op));
  return device::launch(device::rows_launch("swiglu", op.y.shape[0], op.y.shape[1]), swiglu_kernel<T>, stream,
                        op);
}

template Status swiglu(const ops::SwiGlu<float, Space::Device>&, Stream);
template Status swiglu(const ops::SwiGlu<f16, Space::Device>&, Stream);
template Status swiglu(const ops::SwiGlu<bf16, Space::Device>&, Stream);

}  // namespace kigo::kernels
