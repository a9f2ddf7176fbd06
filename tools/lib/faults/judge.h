// What the ends of a fault's processes mean for its line.
#pragma once

#include "core/base/fault.h"
#include "tools/lib/faults/runner.h"
#include "tools/lib/faults/scorecard.h"

namespace kigo::tools {

/// Fills what was caught, missed and named, and the verdict.
void decide(FaultLine& line, const fault::Fault& fault, const Outcome& outcome);

}  // namespace kigo::tools
