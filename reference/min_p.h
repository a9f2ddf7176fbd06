// The plain twin of min_p.
#pragma once

#include "core/base/result.h"
#include "core/ops/min_p.h"

namespace kigo::reference {

/// Formula, bounds and errors: core/ops/min_p.h. All steps in double.
Status min_p(const ops::MinP<Space::Host>& op);

}  // namespace kigo::reference
