// Faults of the harness that lie in a script or in data: each is made on a copy, and the harness' own check
// is run on that copy.
#pragma once

#include <string>
#include <string_view>

namespace kigo::tools {

struct CopyResult {
  bool possible = false;   // the check could be run, and is green on a faithful copy
  bool red = false;        // on the copy with the fault
  std::string kinds;       // that the check is of: "u"
  std::string by;          // "ci/layers.py"
  std::string checkpoint;  // "harness:layers"
  std::string detail;
};

/// F80, F81, F83; not possible for any other.
CopyResult run_on_copy(std::string_view fault);

}  // namespace kigo::tools
