// The kernel twin of reference::top_p.
#pragma once

#include "core/base/result.h"
#include "core/ops/top_p.h"
#include "kernels/runtime/stream.h"
#include "kernels/sampling_workspace.h"

namespace kigo::kernels {

/// y[r, i] = x[r, i] for the shortest prefix of row r's ids, by (x falling, id rising), whose probabilities
/// add up to p or more, at least one id; else -inf. Types   weights in double, rounded to multiples of 2^-62
/// and added exactly. Bounds  0 <= p <= 1; up to 65535 rows; rows == 0 launches nothing. 12 launches, the
/// same for every p but 1, which
///         takes one.
/// Memory  rows may be padded; nothing beyond the shape is read or written; y may be x. No allocation, no
///         sync: safe in a graph.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails. Logits are not looked at.
/// Twin    reference::top_p, equal values but where a sum lies within rounding of p: tests/pairs/top_p.h.
/// Source  docs/worker.md, section 5, step 4; the search: radix select.
Status top_p(const ops::TopP<Space::Device>& op, Stream stream);

}  // namespace kigo::kernels
