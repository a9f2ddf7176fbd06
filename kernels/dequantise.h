// The kernel twin of reference::dequantise.
#pragma once

#include "core/base/half.h"
#include "core/base/result.h"
#include "core/ops/dequantise.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// y[j, i] = w(j, i), of a packed matrix (core/ops/packing.h).
/// Types   T = float (exact) and f16 (rounded once, to nearest even); every format of quant::FormatList.
/// Bounds  at least one row and one column; fewer than 2^31 columns.
/// Memory  rows of y may be padded; nothing beyond the shape is read or written; w aligned to 256 bytes. Rows
///         of y that start at a multiple of 16 bytes are written fastest. No allocation, no sync: safe in a
///         graph.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails.
/// Twin    reference::dequantise, equal values (tests/pairs/dequantise.h).
/// Source  docs/formats.md, sections 3 to 5.
template <class T>
Status dequantise(const ops::Dequantise<T, Space::Device>& op, Stream stream);

extern template Status dequantise(const ops::Dequantise<float, Space::Device>&, Stream);
extern template Status dequantise(const ops::Dequantise<f16, Space::Device>&, Stream);

}  // namespace kigo::kernels
