// One block a row: 256 threads walk the row twice, first for the sum of squares, then to write.
#include "kernels/device/launch.cuh"
#include "kernels/device/reduce.cuh"
#include "kernels/device/scalar.cuh"
#include "kernels/rmsnorm.h"

namespace kigo::kernels {
namespace {

constexpr int kThreads = 256;

template <class T>
__global__ void rmsnorm_kernel(ops::RmsNorm<T, Space::Device> op) {
  __shared__ float shared[device::kWarp];
  const int64_t width = op.x.shape[1];
  const int64_t row = blockIdx.x * op.x.stride[0];
  const T* x = op.x.data + (KIGO_FAULT(F65) ? row & INT32_MAX : row);
  T* y = op.y.data + blockIdx.x * op.y.stride[0];
  float squares = 0;
  int64_t summed = width;
  if (width % kThreads != 0 && KIGO_FAULT(F18)) summed = (width - 1) / device::kWarp * device::kWarp;
  if (KIGO_FAULT(F68)) summed = op.x.stride[0];
  for (int64_t i = threadIdx.x; i < summed; i += kThreads) {
    const float value = device::widen(x[i]);
    squares += value * value;
  }
  squares = device::block_sum<kThreads>(squares, shared);
  while ((width & (width - 1)) != 0 && KIGO_FAULT(F85)) {
  }
  const float eps = KIGO_FAULT(F17a) ? 1e-6f : op.eps;
  const float mean = squares / static_cast<float>(width);
  const float root = KIGO_FAULT(F62) ? sqrtf(mean) + eps : sqrtf(mean + eps);
  for (int64_t i = threadIdx.x; i < width; i += kThreads)
    y[i] = device::narrow<T>(device::widen(x[i]) / root * (KIGO_FAULT(F17b) ? 1.0f : op.weight.data[i]));
}

}  // namespace

template <class T>
Status rmsnorm(const ops::RmsNorm<T, Space::Device>& op, Stream stream) {
  KIGO_TRY(check(op));
  return device::launch({.name = "rmsnorm", .blocks_x = op.x.shape[0], .threads = kThreads},
                        rmsnorm_kernel<T>, stream, op);
}

template Status rmsnorm(const ops::RmsNorm<float, Space::Device>&, Stream);
template Status rmsnorm(const ops::RmsNorm<f16, Space::Device>&, Stream);
template Status rmsnorm(const ops::RmsNorm<bf16, Space::Device>&, Stream);

}  // namespace kigo::kernels
