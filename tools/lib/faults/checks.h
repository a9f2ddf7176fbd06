// Which of the project's own tests must turn red for which fault: the scorecard runs them with the fault on.
#pragma once

#include <span>
#include <string_view>

namespace kigo::tools {

/// One run of a test program. A run is red when a test fails.
struct FaultCheck {
  std::string_view fault;    // "F01"
  char kind;                 // a letter of docs/faults.md, section 2
  std::string_view program;  // in the build folder's tests/
  std::string_view filter;   // --gtest_filter
};
std::span<const FaultCheck> checks();
/// Those that need one; the program names the fault's operation.
std::span<const FaultCheck> gpu_checks();

/// One thing that must not be flagged: docs/faults.md, section 6.
struct Control {
  std::string_view name;
  std::string_view program;
  std::string_view filter;
};
std::span<const Control> controls();

/// The checkpoint that a red test stands for, a part of the harness ("harness:compare") or the ids of a whole
/// worker; empty for tests of anything else.
std::string_view harness_part(std::string_view program, std::string_view test);

/// Why the card cannot make a kind of check; empty when it must.
std::string_view why_not_run(char kind);

}  // namespace kigo::tools
