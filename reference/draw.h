// The plain twin of draw.
#pragma once

#include "core/base/result.h"
#include "core/ops/draw.h"

namespace kigo::reference {

/// Formula, bounds and errors: core/ops/draw.h. All steps in double.
Status draw(const ops::Draw<Space::Host>& op);

}  // namespace kigo::reference
