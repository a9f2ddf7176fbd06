// The plain twin of repetition_penalty.
#pragma once

#include "core/base/result.h"
#include "core/ops/repetition_penalty.h"

namespace kigo::reference {

/// Formula, bounds and errors: core/ops/repetition_penalty.h. All steps in double.
Status repetition_penalty(const ops::RepetitionPenalty<Space::Host>& op);

}  // namespace kigo::reference
