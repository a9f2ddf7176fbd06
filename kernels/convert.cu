// One thread, four elements: device/rows.cuh.
#include "kernels/convert.h"

#include "kernels/device/rows.cuh"
#include "kernels/device/scalar.cuh"

namespace kigo::kernels {
namespace {

template <class From, class To>
__global__ void convert_kernel(ops::Convert<From, To, Space::Device> op) {
  const From* x = op.x.data + blockIdx.x * op.x.stride[0];
  To* y = op.y.data + blockIdx.x * op.y.stride[0];
  device::each_column(
      op.y.shape[1], [&](int64_t i) { return x[i]; },
      [&](int64_t i, From value) { y[i] = device::narrow<To>(device::widen(value)); });
}

}  // namespace

template <class From, class To>
Status convert(const ops::Convert<From, To, Space::Device>& op, Stream stream) {
  KIGO_TRY(check(op));
  return device::launch(device::rows_launch("convert", op.y.shape[0], op.y.shape[1]),
                        convert_kernel<From, To>, stream, op);
}

template Status convert(const ops::Convert<float, f16, Space::Device>&, Stream);
template Status convert(const ops::Convert<f16, float, Space::Device>&, Stream);

}  // namespace kigo::kernels
