// The kernel twin of reference::draw.
#pragma once

#include "core/base/result.h"
#include "core/ops/draw.h"
#include "kernels/runtime/stream.h"
#include "kernels/sampling_workspace.h"

namespace kigo::kernels {

/// With w_i = e^(x[r, i] - max_j x[r, j]): ids[r] is the first id whose running sum of weights is above u[r]
/// times the sum of all; if rounding leaves none, the last id with w_i > 0. In double, sums in a fixed order.
/// Bounds  0 <= u < 1; up to 65535 rows; rows == 0 launches nothing.
/// Memory  rows of x may be padded; nothing beyond the shape is read or written. No allocation, no
///         sync: safe in a graph.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails. Logits are not looked at.
/// Twin    reference::draw, equal ids but where u times the sum lies within rounding of a running sum:
///         tests/pairs/draw.h.
/// Source  docs/worker.md, section 5, steps 6 and 7.
Status draw(const ops::Draw<Space::Device>& op, Stream stream);

}  // namespace kigo::kernels
