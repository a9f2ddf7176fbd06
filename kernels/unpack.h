// The kernel twin of reference::unpack.
#pragma once

#include "core/base/result.h"
#include "core/ops/unpack.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// Formula, bounds, memory and errors: core/ops/unpack.h. Bytes are moved, nothing is computed. No
/// allocation, no sync: safe in a graph. Errors besides: cuda when the launch fails. Twin reference::unpack,
/// equal bytes (tests/pairs/unpack.h).
Status unpack(const ops::Unpack<Space::Device>& op, Stream stream);

}  // namespace kigo::kernels
