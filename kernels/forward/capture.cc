#include "kernels/forward/capture.h"

#include <cuda_runtime_api.h>

#include <cstring>

#include "core/base/check.h"
#include "kernels/runtime/copy.h"
#include "kernels/runtime/status.h"

namespace kigo::kernels {
namespace {

template <class T>
double widened(const std::byte* raw, int64_t index) {
  T value;
  std::memcpy(&value, raw + index * static_cast<int64_t>(sizeof(T)), sizeof(T));
  if constexpr (std::is_same_v<T, f16>)
    return to_float(value);
  else
    return value;
}

}  // namespace

Result<Capture> Capture::create(Vram& vram, const model::TapSink& sink, int64_t scratch_bytes,
                                Stream stream) {
  Capture capture(sink, stream);
  KIGO_ASSIGN(capture.scratch_, vram.allocate(Purpose::workspace, scratch_bytes, "checkpoints"));
  capture.raw_.resize(static_cast<size_t>(scratch_bytes));
  return capture;
}

Status Capture::rows(model::Tap tap, int64_t layer, View<const float, 2, Space::Device> rows, int64_t heads) {
  const auto [count, width] = rows.shape;
  const size_t row_bytes = static_cast<size_t>(width) * sizeof(float);
  const size_t bytes = static_cast<size_t>(count) * row_bytes;
  KIGO_CHECK(bytes <= raw_.size());
  KIGO_TRY(status_of(cudaMemcpy2DAsync(scratch_.data(), row_bytes, rows.data,
                                       static_cast<size_t>(rows.stride[0]) * sizeof(float), row_bytes,
                                       static_cast<size_t>(count), cudaMemcpyDeviceToDevice, stream_),
                     "copy of a checkpoint"));
  KIGO_TRY(download(std::span(raw_).first(bytes), scratch_.data(), stream_));
  KIGO_TRY(synchronize(stream_));
  values_.resize(static_cast<size_t>(count * width));
  for (int64_t i = 0; i < count * width; ++i)
    values_[static_cast<size_t>(i)] = widened<float>(raw_.data(), i);
  (*sink_)(tap, layer, {values_.data(), {count, heads, width / heads}});
  return {};
}

Status Capture::cache(model::Tap tap, int64_t layer, const KvPool& pool, std::span<const int32_t> held,
                      int64_t first, int64_t end) {
  const KvShape& shape = pool.shape();
  const int64_t which = tap == model::Tap::cache_v ? 1 : 0;
  const int64_t page_bytes = shape.page_elements() * shape.element_bytes();
  const int64_t pages = pages_for(end);
  KIGO_CHECK(pages <= static_cast<int64_t>(held.size()) && pages * page_bytes <= scratch_.bytes());
  for (int64_t page = first / ops::kPagePositions; page < pages; ++page) {
    KIGO_TRY(
        status_of(cudaMemcpyAsync(scratch_.data() + page * page_bytes,
                                  pool.plane(layer, which) + held[static_cast<size_t>(page)] * page_bytes,
                                  static_cast<size_t>(page_bytes), cudaMemcpyDeviceToDevice, stream_),
                  "copy of a checkpoint"));
  }
  KIGO_TRY(
      download(std::span(raw_).first(static_cast<size_t>(pages * page_bytes)), scratch_.data(), stream_));
  KIGO_TRY(synchronize(stream_));
  values_.clear();
  for (int64_t p = first; p < end;
       ++p) {  // [page, kv_heads, 16, head_dim] becomes [position, kv_heads, head_dim]
    for (int64_t head = 0; head < shape.kv_heads; ++head) {
      const int64_t row =
          (p / ops::kPagePositions * shape.kv_heads + head) * ops::kPagePositions + p % ops::kPagePositions;
      for (int64_t i = row * shape.head_dim; i < (row + 1) * shape.head_dim; ++i)
        values_.push_back(shape.kv == Kv::half ? widened<f16>(raw_.data(), i)
                                               : widened<float>(raw_.data(), i));
    }
  }
  (*sink_)(tap, layer, {values_.data(), {end - first, shape.kv_heads, shape.head_dim}});
  return {};
}

}  // namespace kigo::kernels
