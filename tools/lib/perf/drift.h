// What no single comparison sees: a kernel that becomes slower by a little with every commit.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "tools/lib/perf/record.h"

namespace kigo::tools::perf {

struct DriftOptions {
  double family_error = 0.005;  // chance of one drift without a cause among all kernels
  double least_change = 0.02;   // less is no drift
  size_t window = 20;           // runs that a trend is looked for in
  std::string anchor;           // commit, or how it begins: what is older is forgotten; empty: the oldest run
};

struct Drifts {
  std::unordered_map<std::string, std::string> slower;  // place_of() -> what was found, one line
  std::string note;                                     // an anchor that is not in the history
};

/// Looks at the runs of each place in the history, with those of `head` as the last. A run's level is the
/// median of its blocks' log_us, less what all kernels of that run moved by since their anchors (median, of 8
/// or more). Two tests, each with half of the family error, corrected for the kernels:
///
/// - against the anchor: head - anchor > max(least_change, 3 s), and t = (head - anchor) / (s sqrt 2) beyond
///   chance, with five runs or more. s is the noise from run to run: robust deviation of the differences of
///   successive levels / sqrt 2, at least the median of all kernels' and 0.3 %;
/// - in the window: Theil-Sen slope * (runs - 1) > max(least_change, 3 s) and Mann-Kendall beyond chance.
///
/// Runs with a delay put in on purpose are left out.
Drifts drifts_of(std::span<const Record> history, std::span<const Record> head,
                 const DriftOptions& options = {});

}  // namespace kigo::tools::perf
