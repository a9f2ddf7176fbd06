// Checkpoints on their way to a sink: copied on the device, then to the host, in the order of the stream.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/model/session.h"
#include "core/model/taps.h"
#include "kernels/kv_pages.h"
#include "kernels/runtime/buffer.h"
#include "kernels/runtime/stream.h"
#include "kernels/runtime/vram.h"

namespace kigo::kernels {

/// Hands checkpoints to a sink. The stages it looks at are not changed by it: no kernel runs, memory is only
/// read.
class Capture {
 public:
  /// `scratch_bytes` holds the largest checkpoint. Errors: out_of_memory, cuda.
  static Result<Capture> create(Vram& vram, const model::TapSink& sink, int64_t scratch_bytes, Stream stream);

  /// Rows of heads * head_dim floats (or one "head"), possibly padded. Waits until the sink has them.
  /// Errors: cuda.
  Status rows(model::Tap tap, int64_t layer, View<const float, 2, Space::Device> rows, int64_t heads = 1);

  /// Keys and values of a layer from position `first` to `end`, widened; held: the pages of the sequence.
  Status cache(model::Tap tap, int64_t layer, const KvPool& pool, std::span<const int32_t> held,
               int64_t first, int64_t end);

 private:
  Capture(const model::TapSink& sink, Stream stream) : sink_(&sink), stream_(stream) {}

  const model::TapSink* sink_;
  Stream stream_;
  DeviceBuffer scratch_;
  std::vector<std::byte> raw_;
  std::vector<double> values_;
};

}  // namespace kigo::kernels
