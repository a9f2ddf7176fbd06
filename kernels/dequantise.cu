// One warp writes 1024 columns of a row: kernels/device/decode_span.cuh. Eight warps to a thread block.
#include "kernels/dequantise.h"

#include "kernels/device/decode_span.cuh"
#include "kernels/device/launch.cuh"

namespace kigo::kernels {
namespace {

constexpr int kWarps = 8;

template <class F, class T>
__global__ void __launch_bounds__(32 * kWarps)
    dequantise_kernel(device::Planes planes, int64_t rows, int64_t spans, T* y, int64_t stride) {
  __shared__ device::SpanBuffer<T> buffers[kWarps];
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int64_t task = int64_t{blockIdx.x} * kWarps + warp;
  const int64_t row = task / spans;
  if (row >= rows) return;
  device::decode_span<F>(planes, row, task % spans, buffers[warp], y + row * stride);
}

}  // namespace

template <class T>
Status dequantise(const ops::Dequantise<T, Space::Device>& op, Stream stream) {
  KIGO_TRY(check(op));
  KIGO_TRY(ops::expect_between("dequantise.cols", op.w.cols, 1, INT32_MAX));
  const device::Planes planes = device::planes_of(op.w);
  const int64_t spans = device::spans_of(planes);
  return device::PackedFormats::choose(op.w.type->id, [&](auto format) {
    const device::Launch how{
        .name = "dequantise", .blocks_x = (op.w.rows * spans + kWarps - 1) / kWarps, .threads = 32 * kWarps};
    return device::launch(how, dequantise_kernel<decltype(format), T>, stream, planes, op.w.rows, spans,
                          op.y.data, op.y.stride[0]);
  });
}

template Status dequantise(const ops::Dequantise<float, Space::Device>&, Stream);
template Status dequantise(const ops::Dequantise<f16, Space::Device>&, Stream);

}  // namespace kigo::kernels
