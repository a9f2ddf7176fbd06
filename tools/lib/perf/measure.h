// Two builds of a program that measures, in turns on the same machine: what `kigo perf measure` does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "tools/lib/perf/contender.h"

namespace kigo::tools::perf {

struct MeasureOptions : BenchOptions {
  std::string head;    // a program
  std::string base;    // empty: only the other one
  int64_t blocks = 4;  // of every name on every side
  int64_t more = 0;    // of names that these leave open (two_steps.h); 0: no more
  double seconds = 0;  // more than 0: no two blocks more are begun when they would end later than that; two
                       // are always measured
};

struct MeasureSummary {
  std::string run;  // names it in every record
  int64_t names = 0;
  int64_t blocks = 0;  // of every name that were measured
  int64_t open = 0;    // names of which more were
  int64_t records = 0;
  int64_t invalid = 0;    // records
  int64_t timed_out = 0;  // records
  int64_t restarts = 0;   // of programs that died, hung or talked nonsense
  std::vector<std::string> only_base,
      only_head;                      // names that one side has: measured, and compared with nothing
  std::vector<std::string> problems;  // one a subject and side: what is not ok, and why
  double seconds = 0;

  bool ok() const { return problems.empty(); }
};

enum class Which { base, head };

/// One request.
struct Turn {
  Which side = Which::head;
  std::string name;
  int64_t block = 0;
  bool operator==(const Turn&) const = default;
};

/// The order of a measurement. Blocks in twos; in each of these all names, head's in its order, then those
/// that only base has: base, head, head, base of a name that both have (A B B A: a drift that is even in time
/// falls on both alike), else both blocks of the side that has it. With an odd number the last blocks are
/// base, head.
std::vector<Turn> turns(const std::vector<std::string>& base, const std::vector<std::string>& head,
                        int64_t blocks);

/// Starts the programs, asks each for the ceilings, then takes the turns, each block in a process of its own
/// (see Contender); then the names that the verdicts leave open get more blocks, the clearest changes first.
/// What fails on the way is a record with the reason. Errors: `unsupported`, when a program says NOT RUN;
/// invalid_request when one is a fault build, the folder has a measurement already, or `blocks` and `more`
/// are not even; io when a program cannot be started, lists no names, or a file cannot be written.
Result<MeasureSummary> measure(const MeasureOptions& options);

}  // namespace kigo::tools::perf
