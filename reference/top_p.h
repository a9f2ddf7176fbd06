// The plain twin of top_p.
#pragma once

#include "core/base/result.h"
#include "core/ops/top_p.h"

namespace kigo::reference {

/// Formula, bounds and errors: core/ops/top_p.h. All steps in double.
Status top_p(const ops::TopP<Space::Host>& op);

}  // namespace kigo::reference
