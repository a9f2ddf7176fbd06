// The plain twin of top_k.
#pragma once

#include "core/base/result.h"
#include "core/ops/top_k.h"

namespace kigo::reference {

/// Formula, bounds and errors: core/ops/top_k.h. All steps in double.
Status top_k(const ops::TopK<Space::Host>& op);

}  // namespace kigo::reference
