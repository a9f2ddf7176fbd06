// The headers that kernels will share with the host compile under nvcc, and their constexpr parts work in
// device code.
#include "core/base/half.h"
#include "core/base/result.h"
#include "core/base/view.h"
#include "core/quant/tensor_type.h"

namespace kigo {

static_assert(to_float(f16{0x3C01}) == 1.0009765625f);

__global__ void widen(View<const f16, 1, Space::Device> in, View<float, 1, Space::Device> out) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < in.shape[0]) out.data[i] = to_float(in.data[i]);
}

}  // namespace kigo
