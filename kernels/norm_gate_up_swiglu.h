// The kernel twin of reference::norm_gate_up_swiglu.
#pragma once

#include "core/base/result.h"
#include "core/ops/norm_gate_up_swiglu.h"
#include "kernels/runtime/overlap.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// With n = rmsnorm(x): y[0, j] = silu(sum_i gate(j, i) n[i]) * sum_i up(j, i) n[i]; gate and up packed as
/// core/ops/packing.h says.
/// Types   T = float; gate and up of every packed format, also of two. Sums of w * (x * norm weight),
///         rounded as in linear_rows.h, divided by the root mean square at the end; silu in float.
/// Bounds  one token; those of rmsnorm, linear and swiglu.
/// Memory  nothing beyond the shape is read or written; y must not be x. No allocation, no sync: safe in a
///         graph.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails.
/// Twin    reference::norm_gate_up_swiglu, bound in tests/pairs/norm_gate_up_swiglu.h.
Status norm_gate_up_swiglu(const ops::NormGateUpSwiGlu<float, Space::Device>& op, Stream stream,
                           Overlap overlap);

}  // namespace kigo::kernels
