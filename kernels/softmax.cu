// One block a row: 1024 threads walk it three times, for the maximum, for the sum, and to write.
#include "kernels/softmax.h"

#include "kernels/device/launch.cuh"
#include "kernels/device/reduce.cuh"
#include "kernels/device/scalar.cuh"

namespace kigo::kernels {
namespace {

constexpr int kThreads = 1024;

template <class T>
__global__ void __launch_bounds__(kThreads) softmax_kernel(ops::Softmax<T, Space::Device> op) {
  __shared__ float for_max[device::kWarp];
  __shared__ float for_sum[device::kWarp];
  const int64_t width = op.x.shape[1];
  const T* x = op.x.data + blockIdx.x * op.x.stride[0];
  T* y = op.y.data + blockIdx.x * op.y.stride[0];
  // fmaxf passes over NaN; the sum does not, and makes the whole row NaN, as it does when the maximum is
  // infinite.
  float largest = -INFINITY;
  for (int64_t i = threadIdx.x; i < width; i += kThreads) largest = fmaxf(largest, device::widen(x[i]));
  largest = KIGO_FAULT(F35) ? 0 : device::block_max<kThreads>(largest, for_max);
  float sum = 0;
  for (int64_t i = threadIdx.x; i < width; i += kThreads) sum += expf(device::widen(x[i]) - largest);
  sum = device::block_sum<kThreads>(sum, for_sum);
  for (int64_t i = threadIdx.x; i < width; i += kThreads)
    y[i] = device::narrow<T>(expf(device::widen(x[i]) - largest) / sum);
}

}  // namespace

template <class T>
Status softmax(const ops::Softmax<T, Space::Device>& op, Stream stream) {
  KIGO_TRY(check(op));
  return device::launch({.name = "softmax", .blocks_x = op.x.shape[0], .threads = kThreads},
                        softmax_kernel<T>, stream, op);
}

template Status softmax(const ops::Softmax<float, Space::Device>&, Stream);
template Status softmax(const ops::Softmax<f16, Space::Device>&, Stream);
template Status softmax(const ops::Softmax<bf16, Space::Device>&, Stream);

}  // namespace kigo::kernels
