// The kernel twin of reference::embedding.
#pragma once

#include "core/base/result.h"
#include "core/ops/embedding.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// y[t, i] = table(ids[t], i), of a packed table (core/ops/packing.h).
/// Types   T = float, exact; every format of quant::FormatList.
/// Bounds  at least one row and one column; fewer than 2^31 columns; tokens == 0 launches nothing.
/// Memory  rows of y may be padded; nothing beyond the shape is read or written; the table aligned to 256
///         bytes. An id beyond the table reads nothing: its row becomes NaN, so that the slip of a caller who
///         did not look shows. No allocation, no sync: safe in a graph.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails.
/// Twin    reference::embedding, equal values (tests/pairs/embedding.h).
/// Source  GGUF token_embd.weight, docs/gguf.md, section 7.
template <class T>
Status embedding(const ops::Embedding<T, Space::Device>& op, Stream stream);

extern template Status embedding(const ops::Embedding<float, Space::Device>&, Stream);

}  // namespace kigo::kernels
