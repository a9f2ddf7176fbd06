// The kernel twin of reference::norm_head_argmax.
#pragma once

#include "core/base/result.h"
#include "core/ops/norm_head_argmax.h"
#include "kernels/runtime/overlap.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// With n = rmsnorm(x): logits[0, j] = sum_i head(j, i) n[i]; ids[0] = argmax of the stored logits, ties to
/// the lowest id. The head is packed as core/ops/packing.h says.
/// Types   T = float; head of every packed format. Sums of w * (x * norm weight), rounded as in
///         linear_rows.h, divided by the root mean square at the end.
/// Bounds  one token; those of rmsnorm, linear and argmax. NaN is never the largest.
/// Memory  nothing beyond the shape is read or written. `workspace` has at least ops::kHeadWorkspace
///         words; `ticket` is one word, zero before the first run and left zero by each; a run that overlaps
///         with another one needs a ticket and a workspace of its own. No allocation, no sync: safe in a
///         graph.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails.
/// Twin    reference::norm_head_argmax, bound in tests/pairs/norm_head_argmax.h.
Status norm_head_argmax(const ops::NormHeadArgmax<float, Space::Device>& op, Stream stream, Overlap overlap);

}  // namespace kigo::kernels
