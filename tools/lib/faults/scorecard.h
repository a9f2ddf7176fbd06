// `kigo faults`: every seeded fault, masking pair and negative control, each in a process of its own, and the
// verdict of docs/faults.md, section 8.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/base/json.h"

namespace kigo::tools {

enum class FaultVerdict : uint8_t {
  killed,       // red in every required kind that could be run here, and named right
  misnamed,     // caught, another checkpoint first
  partial,      // a required kind stayed green
  survived,     // nothing turned red
  not_reached,  // the site never took effect
  error,        // crash or timeout
  not_run,      // needs what is not here: a GPU
  no_site,      // in the catalogue, not yet in the code
};
std::string_view name(FaultVerdict verdict);

/// One line of the card.
struct FaultLine {
  std::string fault;
  char level = 0;
  std::string expected;
  uint64_t reached = 0;
  std::vector<std::string> caught_by;      // "u:core_gguf_test.Header.AcceptsAFileWithoutAnything"
  std::string kinds_missing;               // required, and green
  std::vector<std::string> kinds_not_run;  // required, and not to be run here: "z: sanitizers run in ci/gpu"
  std::string named;                       // the first wrong checkpoint
  int64_t position = -1;
  double over = 0;
  Json nmse;
  std::string nmse_verdict = "none";
  FaultVerdict verdict = FaultVerdict::error;
  std::string detail;
  double seconds = 0;

  /// Whether the pass rule takes it.
  bool good() const;
  Json json() const;
};

struct PairLine {
  std::string pair;     // "F45+F46"
  std::string verdict;  // "both seen", "MASKED", "not run"
  std::string detail;
  bool good = true;
};

struct ControlLine {
  std::string control;
  std::string verdict;  // "quiet", "FLAGGED"
  std::string detail;
  bool good = true;
};

struct CleanLine {
  std::string when;  // "first", "last"
  bool good = false;
  std::string detail;
};

struct Scorecard {
  std::vector<CleanLine> clean;
  std::vector<FaultLine> faults;
  std::vector<PairLine> pairs;
  std::vector<ControlLine> controls;
  bool gpu = false;
  double seconds = 0;

  /// The pass rule of docs/faults.md, section 8, but for what ctest judges: the list against the tables, and
  /// the absence of the registry from releases.
  bool pass() const;
  /// The table for people, with the summary.
  std::string text() const;
  /// JUnit XML: a case for every clean run, fault, pair and control.
  std::string junit() const;
};

struct ScorecardOptions {
  std::string program;            // this program, for probes
  std::string tests;              // the folder of the test programs
  std::vector<std::string> only;  // faults; empty: all, with pairs and controls
  int jobs = 2;
  double limit_s = 60;                       // of one process
  std::function<void(const Json&)> on_line;  // each line when it is done
};

/// Runs everything.
Scorecard run_scorecard(const ScorecardOptions& options);

}  // namespace kigo::tools
