// How often the tracker cries wolf, and what it finds: counted in real runs, and estimated from their blocks.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "tools/lib/perf/rate.h"
#include "tools/lib/perf/record.h"
#include "tools/lib/perf/two_steps.h"

namespace kigo::tools::perf {

/// What was put in on purpose, as a share of a subject's own time.
inline constexpr std::array<double, 3> kSlowdowns{0.01, 0.03, 0.10};
/// Subjects that take at least this long are the ones whose slowdowns have to be found.
inline constexpr double kLongUs = 20;

/// The two sides of a measurement, base and head.
struct Sides {
  std::vector<Record> base, head;
};

/// One run: two processes of the same program, in turns as in a comparison.
struct SelftestRun {
  Sides same;                                 // no delay on either side
  std::array<Sides, kSlowdowns.size()> slow;  // head with a delay behind every launch
};

/// Where the records of a run stand in files: member `run` is "ID/2/0", the second run without a delay, or
/// "ID/2/3", with 3 %.
std::string run_label(const std::string& id, int64_t run, double slowdown);
/// The reverse, over all records of base.jsonl and head.jsonl. Errors: bad_value, when there is none, or one
/// with another label.
Result<std::vector<SelftestRun>> runs_of(std::span<const Record> base, std::span<const Record> head);

/// What was found of slowdowns of one size.
struct Power {
  Rate long_found;  // subjects of at least kLongUs
  Rate short_found;
  double realised =
      0;  // middle of what the delays really made of it, a share; NaN where nothing was measured
};

struct Findings {
  Rate alarms;          // runs in which at least one subject was SLOW without a reason
  Rate subject_alarms;  // the same of single comparisons
  Rate fast_alarms;     // runs in which at least one was FAST without a reason
  Rate undecided;       // single comparisons that were neither, nor the same
  std::array<Power, kSlowdowns.size()> power;
};

struct Selftest {
  int64_t subjects = 0;
  int64_t runs = 0;
  int64_t blocks = 0;                 // on each side, of the comparisons that were made
  std::vector<std::string> left_out;  // subjects with a record that is not ok, and why
  Findings real, estimated;
  std::string device;

  /// At most 1 % of runs with a false alarm, and at least 95 % of the slowdowns of 3 % of long subjects
  /// found, by the estimate. Without long subjects there is nothing to find.
  bool reaches_goals() const;
  /// It does, and no subject was left out.
  bool passes() const;
  std::string text() const;
  Json json() const;
};

struct EstimateOptions {
  int64_t resamples = 1000;
  int64_t blocks = 4;  // of a comparison, on each side, the second step's among them; even, and at most those
                       // that were recorded
  uint64_t seed = 1;
  std::function<void(int64_t done, int64_t total)> progress;
};

/// Judges the runs as they are; a slowdown of one kernel is judged among the others without one, as all
/// together would be a slower machine.
/// Then makes runs out of their blocks and judges them: for every subject a run is drawn, which of its
/// processes is base, and `blocks` of its blocks, in fours that were measured one after another (base, head,
/// head, base), without putting any back. Subjects are drawn on their own: what happened to all of them at
/// once in a real run happens to some here, which makes more alarms, not fewer. Slowdowns are samples of one
/// kernel's head, in all its caches, moved by a share of its base's median; found when one of them is SLOW.
/// Errors: bad_value, when no subject has that many blocks, all of state ok, in every run.
Result<Selftest> evaluate(std::span<const SelftestRun> runs, const Judge& judge,
                          const EstimateOptions& options);

}  // namespace kigo::tools::perf
