// The measurements of the self-test: one program against itself, and against itself with a delay.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/result.h"
#include "tools/lib/perf/contender.h"

namespace kigo::tools::perf {

struct SelftestMeasureOptions : BenchOptions {
  std::string program;
  int64_t runs = 3;
  int64_t blocks = 8;       // of every name on either side, without a delay
  int64_t slow_blocks = 4;  // with one, at most `blocks`
  double seconds = 0;       // more than 0: no run is begun when it would end later than that
};

/// What is asked of a name in a run.
struct Slowdown {
  size_t size = 0;     // of kSlowdowns
  size_t subject = 0;  // of those that the name gave: the delay is a share of its own time
};

/// Over runs and names all sizes and all subjects take their turn.
Slowdown slowdown_for(int64_t run, size_t name, size_t subjects);

/// For every run starts the program twice, as base and as head, and takes the turns of a comparison (see
/// turns()) with a delay of 0 on both sides; behind them, for every name, those with a delay in head: a share
/// of the median that the first block of base gave. Both files get the records as they come, with
/// run_label(). Returns how many names there are. Errors: as measure(); of a name that fails the records
/// tell.
Result<int64_t> measure_selftest(const SelftestMeasureOptions& options);

}  // namespace kigo::tools::perf
