#include "tools/lib/compare/causes.h"

namespace kigo::tools {

std::vector<Cause> likely_causes(const Suspect&) { return {}; }

}  // namespace kigo::tools
