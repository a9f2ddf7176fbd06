// One block a row: each of 1024 threads keeps the best of its columns, then the best of all is found in a
// tree. Value and id are one integer, so that "larger, or equal and lower" is one comparison.
#include "kernels/argmax.h"

#include "kernels/device/choice.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/reduce.cuh"
#include "kernels/device/scalar.cuh"

namespace kigo::kernels {
namespace {

constexpr int kThreads = 1024;

template <class T>
__global__ void __launch_bounds__(kThreads) argmax_kernel(ops::Argmax<T, Space::Device> op) {
  __shared__ uint64_t shared[device::kWarp];
  const int64_t width = op.x.shape[1];
  const T* x = op.x.data + blockIdx.x * op.x.stride[0];
  uint64_t best = 0;
#pragma unroll 8
  for (int64_t i = threadIdx.x; i < width; i += kThreads)
    best = max(best, device::choice_key(device::widen(x[i]), static_cast<uint32_t>(i)));
  best = device::block_max<kThreads>(best, shared);
  if (threadIdx.x == 0) op.ids.data[blockIdx.x * op.ids.stride[0]] = device::choice_id(best);
}

}  // namespace

template <class T>
Status argmax(const ops::Argmax<T, Space::Device>& op, Stream stream) {
  KIGO_TRY(check(op));
  return device::launch({.name = "argmax", .blocks_x = op.x.shape[0], .threads = kThreads}, argmax_kernel<T>,
                        stream, op);
}

template Status argmax(const ops::Argmax<float, Space::Device>&, Stream);
template Status argmax(const ops::Argmax<f16, Space::Device>&, Stream);
template Status argmax(const ops::Argmax<bf16, Space::Device>&, Stream);

}  // namespace kigo::kernels
