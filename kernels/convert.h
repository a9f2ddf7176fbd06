// The kernel twin of reference::convert.
#pragma once

#include "core/base/half.h"
#include "core/base/result.h"
#include "core/ops/convert.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// y[t, i] = x[t, i], rounded to nearest, ties to even.
/// Types   float -> f16 and f16 -> float (exact). Overflow gives infinity; a NaN stays a NaN.
/// Bounds  any width up to 2^26; tokens == 0 launches nothing.
/// Memory  rows may be padded; nothing beyond the shape is read or written; x and y do not overlap. No
///         allocation, no sync: safe in a graph.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails.
/// Twin    reference::convert, equal values.
/// Source  IEEE 754-2019, section 4.3.1.
template <class From, class To>
Status convert(const ops::Convert<From, To, Space::Device>& op, Stream stream);

extern template Status convert(const ops::Convert<float, f16, Space::Device>&, Stream);
extern template Status convert(const ops::Convert<f16, float, Space::Device>&, Stream);

}  // namespace kigo::kernels
