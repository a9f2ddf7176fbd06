// The kernel twin of reference::min_p.
#pragma once

#include "core/base/result.h"
#include "core/ops/min_p.h"
#include "kernels/runtime/stream.h"
#include "kernels/sampling_workspace.h"

namespace kigo::kernels {

/// y[r, i] = x[r, i] where e^(x[r, i] - max_j x[r, j]) >= min_p, else -inf. In double.
/// Bounds  0 <= min_p <= 1; up to 65535 rows; rows == 0 launches nothing.
/// Memory  rows may be padded; nothing beyond the shape is read or written; y may be x. No allocation, no
///         sync: safe in a graph.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails. Logits are not looked at.
/// Twin    reference::min_p, equal values but where a weight lies within rounding of min_p:
/// tests/pairs/min_p.h. Source  arXiv:2407.01082, section 3; docs/worker.md, section 5, step 5.
Status min_p(const ops::MinP<Space::Device>& op, Stream stream);

}  // namespace kigo::kernels
