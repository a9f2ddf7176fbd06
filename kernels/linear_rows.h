// Matrix times few vectors, made for one: what linear() chooses for up to 8 tokens, and the decode step's
// sums onto the residual stream.
#pragma once

#include <string_view>

#include "core/base/result.h"
#include "core/ops/linear.h"
#include "kernels/runtime/overlap.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// y[t, j] = sum_i w(j, i) * x[t, i] (+ bias[j]); w packed as core/ops/packing.h says.
/// Types   T = float; w of every packed format. Sums in float, in an order that depends on the row's length
///         alone: the same bits for any number of tokens, rows and multiprocessors.
/// Bounds  at most 65535 tokens, of which each reads the whole matrix: meant for 1 to 8; tokens == 0 launches
///         nothing.
/// Memory  rows of x and y may be padded; nothing beyond the shape is read or written; y must not be x. No
///         allocation, no sync: safe in a graph.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails.
/// Twin    reference::linear, bound in tests/pairs/linear.h.
Status linear_rows(const ops::Linear<float, Space::Device>& op, Stream stream, Overlap overlap);

/// The same with a residual that is added last; no data: none. Its shape is that of y, of which it may be the
/// memory. `name` is that of the op, for errors. The arguments are checked already.
Status linear_rows_add(std::string_view name, const ops::Linear<float, Space::Device>& op,
                       const View<const float, 2, Space::Device>& residual, Stream stream, Overlap overlap);

}  // namespace kigo::kernels
