// The verdict on each kernel of a run from the blocks of two builds: docs/performance.md, Deciding, has the
// formulas. Knows nothing of files; what makes a measurement invalid is decide.h's.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/lib/perf/noise.h"

namespace kigo::tools::perf {

enum class Verdict {
  fast,
  slow,
  same,
  ambiguous,  // `why` says what speaks against the change, or that too little was seen
  invalid,    // not to be compared
};

/// "FAST"
std::string_view name_of(Verdict verdict);

/// "+1.2 %"
std::string signed_percent(double share);

/// What was seen of a kernel.
struct Evidence {
  std::vector<Block> base, head;  // at least one each
  Scatter past;
  bool same_code = false;     // the machine code is known, and the same on both sides
  Cache cache = Cache::none;  // cold, row and hot measurements scatter in different ways
};

struct JudgeOptions {
  double family_error =
      0.005;                   // chance of one SLOW without a cause among all kernels of a run; FAST the same
  double least_change = 0.01;  // what is smaller is SAME
  double find = 0.03;          // what a run should be able to find: SAME says that it was not there
  double process_shift = 0.001;  // deviation between two processes of one build that lasts as long as they
  double most_process_shift = 0.004;  // do: at least, and at most where the run's kernels show more
};

/// Shares of time: 0.02 is 2 % slower.
struct Judgement {
  Verdict verdict = Verdict::same;
  std::string why;
  double change = 0;         // head against base, as measured
  double low = 0, high = 0;  // its interval, at family_error over all kernels
  double threshold = 0;      // of |change - common|
  double base_us = 0, head_us = 0;
  double base_width = 0, head_width = 0;  // of each side's interval, a share to either side: they do not
                                          // overlap exactly where [low, high] does not hold `common`
};

struct Judgements {
  double common = 0;            // how far all kernels moved together; 0: they did not
  bool common_is_code = false;  // no kernel with the same code on both sides says that it was the machine
  double process_shift = 0;     // as used
  std::vector<Judgement> all;   // in the order of the evidence
};

/// Judges all kernels of a run.
Judgements judge(std::span<const Evidence> given, const JudgeOptions& options = {});

}  // namespace kigo::tools::perf
