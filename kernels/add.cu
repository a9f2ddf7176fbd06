// One thread, four elements: device/rows.cuh.
#include "kernels/add.h"

#include "kernels/device/rows.cuh"
#include "kernels/device/scalar.cuh"

namespace kigo::kernels {
namespace {

template <class T>
__global__ void add_kernel(ops::Add<T, Space::Device> op) {
  const T* a = op.a.data + blockIdx.x * op.a.stride[0];
  const T* b = op.b.data + blockIdx.x * op.b.stride[0];
  T* y = op.y.data + blockIdx.x * op.y.stride[0];
  device::each_column(
      op.y.shape[1], [&](int64_t i) { return device::widen(a[i]) + device::widen(b[i]); },
      [&](int64_t i, float sum) { y[i] = device::narrow<T>(sum); });
  if (blockIdx.x + 1 == gridDim.x && blockIdx.y == 0 && threadIdx.x == 0 && KIGO_FAULT(F67))
    y[op.y.shape[1]] = T{};
}

}  // namespace

template <class T>
Status add(const ops::Add<T, Space::Device>& op, Stream stream) {
  KIGO_TRY(check(op));
  return device::launch(device::rows_launch("add", op.y.shape[0], op.y.shape[1]), add_kernel<T>, stream, op);
}

template Status add(const ops::Add<float, Space::Device>&, Stream);
template Status add(const ops::Add<f16, Space::Device>&, Stream);
template Status add(const ops::Add<bf16, Space::Device>&, Stream);

}  // namespace kigo::kernels
