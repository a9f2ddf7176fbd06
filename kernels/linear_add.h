// The kernel twin of reference::linear_add.
#pragma once

#include "core/base/result.h"
#include "core/ops/linear_add.h"
#include "kernels/runtime/overlap.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// y[0, j] = residual[0, j] + sum_i w(j, i) * x[0, i]; w packed as core/ops/packing.h says.
/// Types   T = float; w of every packed format. x and the sums rounded as linear_rows rounds them, then the
///         residual is added.
/// Bounds  one token; at least one row and one column.
/// Memory  nothing beyond the shape is read or written; y may be residual, and must not be x. No
///         allocation, no sync: safe in a graph.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails.
/// Twin    reference::linear_add, bound in tests/pairs/linear_add.h.
Status linear_add(const ops::LinearAdd<float, Space::Device>& op, Stream stream, Overlap overlap);

}  // namespace kigo::kernels
