// The plain twin of repack.
#pragma once

#include "core/base/result.h"
#include "core/ops/repack.h"

namespace kigo::reference {

/// Formula, bounds and errors: core/ops/repack.h.
Status repack(const ops::Repack<Space::Host>& op);

}  // namespace kigo::reference
