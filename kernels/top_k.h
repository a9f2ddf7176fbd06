// The kernel twin of reference::top_k.
#pragma once

#include "core/base/result.h"
#include "core/ops/top_k.h"
#include "kernels/runtime/stream.h"
#include "kernels/sampling_workspace.h"

namespace kigo::kernels {

/// y[r, i] = x[r, i] for the k first ids of row r by (x falling, id rising), else -inf. Exact.
/// Bounds  0 <= k < 2^31; up to 65535 rows; rows == 0 launches nothing. 11 launches, the same for every k but
/// 0 and
///         width and more, which take one.
/// Memory  rows may be padded; nothing beyond the shape is read or written; y may be x. No allocation, no
///         sync: safe in a graph.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails. Logits are not looked at.
/// Twin    reference::top_k, equal values.
/// Source  docs/worker.md, section 5, step 3; the search: radix select.
Status top_k(const ops::TopK<Space::Device>& op, Stream stream);

}  // namespace kigo::kernels
