// A few blocks of every kernel, and more of those that these leave open: most of a run's time goes where
// there is something to see.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>

#include "tools/lib/perf/judge.h"
#include "tools/lib/perf/record.h"

namespace kigo::tools::perf {

using Verdicts = std::map<Subject, Verdict>;

/// A decision: base's and head's records in, a verdict for every subject.
using Judge = std::function<Verdicts(std::span<const Record> base, std::span<const Record> head)>;

/// What `kigo perf compare` decides, without a history, and without excusing equal machine code.
Judge judge_of_comparisons();

/// The subject as it is named in a program's --list: cold, row and hot are measured together.
Subject without_cache(Subject subject);

/// What a first step leaves open: SLOW, FAST or AMBIGUOUS in one of its caches. More blocks help no INVALID.
std::set<Subject> left_open(const Verdicts& verdicts);

/// Judges as `kigo perf measure --blocks first --more N` and `kigo perf compare` do after one another: all by
/// their first blocks, then those left open by all of theirs and the others by the first.
///
/// False alarms do not become more frequent by it: what is left alone at the first step was SAME there, and
/// what is not is judged by all its blocks, as if all kernels had as many.
Judge in_two_steps(Judge judge, int64_t first);

}  // namespace kigo::tools::perf
