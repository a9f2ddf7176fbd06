// One warp writes 1024 columns of a token's row: kernels/device/decode_span.cuh. Few tokens are one warp to a
// thread block, so that a single row spreads over the multiprocessors.
#include "kernels/embedding.h"

#include "kernels/device/decode_span.cuh"
#include "kernels/device/launch.cuh"

namespace kigo::kernels {
namespace {

template <class F>
__global__ void __launch_bounds__(32) embedding_kernel(device::Planes table, int64_t rows, int64_t spans,
                                                       const uint32_t* ids, float* y, int64_t stride) {
  __shared__ device::SpanBuffer<float> buffer;
  const int64_t token = blockIdx.x / spans;
  const int64_t span = blockIdx.x % spans;
  const int64_t row = KIGO_FAULT(F16) ? ids[token] * rows / table.cols % rows : ids[token];
  y += token * stride;
  if (row < rows) {
    device::decode_span<F>(table, row, span, buffer, y);
    return;
  }
  const int64_t end = min(device::kSpan * (span + 1), table.cols);
  for (int64_t i = device::kSpan * span + threadIdx.x; i < end; i += 32) y[i] = __int_as_float(0x7FC00000);
}

}  // namespace

template <class T>
Status embedding(const ops::Embedding<T, Space::Device>& op, Stream stream) {
  KIGO_TRY(check(op));
  KIGO_TRY(ops::expect_between("embedding.width", op.table.cols, 1, INT32_MAX));
  const device::Planes planes = device::planes_of(op.table);
  const int64_t spans = device::spans_of(planes);
  return device::PackedFormats::choose(op.table.type->id, [&](auto format) {
    const device::Launch how{.name = "embedding", .blocks_x = op.ids.shape[0] * spans, .threads = 32};
    return device::launch(how, embedding_kernel<decltype(format)>, stream, planes, op.table.rows, spans,
                          op.ids.data, op.y.data, op.y.stride[0]);
  });
}

template Status embedding(const ops::Embedding<float, Space::Device>&, Stream);

}  // namespace kigo::kernels
