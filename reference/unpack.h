// The plain twin of unpack.
#pragma once

#include "core/base/result.h"
#include "core/ops/unpack.h"

namespace kigo::reference {

/// Formula, bounds and errors: core/ops/unpack.h.
Status unpack(const ops::Unpack<Space::Host>& op);

}  // namespace kigo::reference
