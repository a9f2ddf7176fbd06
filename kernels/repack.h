// The kernel twin of reference::repack.
#pragma once

#include "core/base/result.h"
#include "core/ops/repack.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// Formula, bounds, memory and errors: core/ops/repack.h. Bytes are moved, nothing is computed. No
/// allocation, no sync: safe in a graph. Errors besides: cuda when the launch fails. Twin reference::repack,
/// equal bytes (tests/pairs/repack.h).
Status repack(const ops::Repack<Space::Device>& op, Stream stream);

}  // namespace kigo::kernels
