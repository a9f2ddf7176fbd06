// `kigo perf compare`: what two builds' measurements and the history say of every kernel.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "tools/lib/perf/drift.h"
#include "tools/lib/perf/judge.h"
#include "tools/lib/perf/record.h"

namespace kigo::tools::perf {

struct DecideOptions {
  JudgeOptions judge = {};
  DriftOptions drift = {};
  bool use_code = true;  // false: equal machine code says nothing (a self-test compares a build with itself)
  bool allow_new = false;  // what only head has is AMBIGUOUS instead of INVALID
};

/// What is said of one subject.
struct Row {
  Subject subject;
  Judgement judgement;
  double bytes_share = 0, flops_share = 0;  // of head, of what its run's ceilings reached; 0: not known
};

struct Decision {
  std::vector<Row> rows;           // in order of the subjects
  std::vector<std::string> notes;  // of the run as a whole
  double common = 0;               // how far all kernels moved together
  double process_shift = 0;        // how far two processes of one build were taken to be apart

  int64_t count(Verdict verdict) const;
  /// At least one subject was judged by both sides, none is SLOW, none INVALID.
  bool passes() const;
  std::string text() const;  // for a terminal: what is not SAME, and the counts; text of files is escaped
  Json json() const;         // everything
};

/// Judges every subject of kinds other than ceiling that either side has. `base` and `head` are the blocks of
/// one interleaved run; `history` gives each kernel's noise, and its drift. docs/performance.md, Deciding,
/// says what is INVALID.
Decision decide(std::span<const Record> base, std::span<const Record> head, std::span<const Record> history,
                const DecideOptions& options = {});

}  // namespace kigo::tools::perf
