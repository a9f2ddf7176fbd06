// The kernel twin of reference::repetition_penalty.
#pragma once

#include "core/base/result.h"
#include "core/ops/repetition_penalty.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// y[r, i] = x[r, i] / penalty if x[r, i] > 0, else x[r, i] * penalty, for the ids of the history; the others
/// are copied. In double, correctly rounded. Bounds  0 < penalty <= 2; any history; rows == 0 launches
/// nothing. Memory  rows may be padded; nothing beyond the shape is read or written; y may be x. No
/// allocation, no
///         sync: safe in a graph.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails. Logits are not looked at.
/// Twin    reference::repetition_penalty, equal values.
/// Source  arXiv:1909.05858, section 4.1; docs/worker.md, section 5, step 2.
Status repetition_penalty(const ops::RepetitionPenalty<Space::Device>& op, Stream stream);

}  // namespace kigo::kernels
