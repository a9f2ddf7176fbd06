// The processes of the scorecard: the probe and the test programs, each with some faults on, and what they
// report.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "tools/lib/faults/checks.h"
#include "tools/lib/faults/child.h"
#include "tools/lib/faults/scorecard.h"

namespace kigo::tools {

/// Of every property: a line of the card can be made again.
inline constexpr std::string_view kCardSeed = "2026";

/// The order in which checkpoints are reached: docs/faults.md, section 1. Those of a model's blocks share a
/// number: a probe names the first of them itself.
int stage_of(std::string_view checkpoint);

/// One red check, as a child reported it.
struct Red {
  char kind = 0;
  std::string by;
  std::string checkpoint;  // empty: the check names none
  int64_t position = -1;
  double over = 0;
};

/// What some processes with the same faults on came to.
struct Outcome {
  std::vector<Red> red;
  std::map<std::string, uint64_t> reached;
  std::vector<std::string> crashed;
  std::string crashed_kinds;  // of the checks that crashed or did not end
  Json nmse;

  bool reached_all() const;
  /// The first checkpoint in order that is wrong.
  const Red* first() const;
  /// The checkpoint that is accused, empty when none is: the first one, or, for a fault that is expected at
  /// "the op" or in a case of one, that one where a law over all operations names it.
  std::string named(std::string_view expected) const;
};

/// Takes what a test program came to: red tests, or a crash, which is also a filter that matches nothing.
void add_end(Outcome& outcome, char kind, const std::string& program, const Ended& ended);

/// Starts them. Keeps a reference to the options.
class Runner {
 public:
  explicit Runner(const ScorecardOptions& options);

  /// Whether a GPU is here, and kernels that run on it.
  bool gpu() const { return gpu_; }

  /// The probe, and all checks that belong to the faults. `on` is what KIGO_FAULT says, "F45+F46".
  Outcome run(const std::string& on, const std::vector<std::string>& faults) const;

  /// The checks that can be made here, a program with a filter only once.
  std::vector<const FaultCheck*> distinct_checks() const;
  /// One of them, or the probe for null, with nothing on: what is red, empty when all is green.
  std::string clean(const FaultCheck* check) const;

  Ended control(const Control& control) const;
  /// Whether the test program is built.
  bool here(std::string_view program) const { return !path_of(program).empty(); }

 private:
  std::vector<const FaultCheck*> all_checks() const;
  std::string path_of(std::string_view program) const;
  /// Of one process with these faults on.
  double limit_s(const std::string& on) const;
  Ended program(std::string_view name, std::string_view filter, const std::string& on,
                const std::string& report) const;
  void probe(const std::string& on, const std::string& report, Outcome& outcome) const;
  /// What a test of the faulty operation in the usual style says, where there is one.
  void add_nmse_of_operation(const std::string& on, const std::vector<std::string>& faults,
                             Outcome& outcome) const;

  const ScorecardOptions& options_;
  bool gpu_ = false;
};

/// Names of the tests that failed, from GoogleTest's output.
std::vector<std::string> failed_tests(const std::string& out);
/// Whether the filter matched nothing.
bool no_test_ran(const std::string& out);

}  // namespace kigo::tools
