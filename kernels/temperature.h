// The kernel twin of reference::temperature.
#pragma once

#include "core/base/result.h"
#include "core/ops/temperature.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// y[r, i] = x[r, i] / temperature, in double, correctly rounded.
/// Bounds  0 < temperature <= 2; rows == 0 launches nothing.
/// Memory  rows may be padded; nothing beyond the shape is read or written. No allocation, no
///         sync: safe in a graph.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails. Logits are not looked at.
/// Twin    reference::temperature, equal values.
/// Source  docs/worker.md, section 5, step 1.
Status temperature(const ops::Temperature<Space::Device>& op, Stream stream);

}  // namespace kigo::kernels
