// The plain twin of temperature.
#pragma once

#include "core/base/result.h"
#include "core/ops/temperature.h"

namespace kigo::reference {

/// Formula, bounds and errors: core/ops/temperature.h. All steps in double.
Status temperature(const ops::Temperature<Space::Host>& op);

}  // namespace kigo::reference
