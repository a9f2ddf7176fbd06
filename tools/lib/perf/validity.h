// What makes measurements of a kernel impossible to compare.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "tools/lib/perf/record.h"

namespace kigo::tools::perf {

/// What the hardware reached, by the ceilings of a run; 0: not measured.
struct Limits {
  double bytes_per_us = 0;
  double flops_per_us = 0;
};

using Blocks = std::vector<const Record*>;  // of one subject on one side

/// Without the records that stand there a second time, as a union of files has them.
Blocks each_once(const Blocks& blocks);

/// By Record::run: the fastest ceiling that moves bytes, and the fastest that counts operations, by medians.
/// Not known (0) where one of them is no good: it may have been the fastest.
std::map<std::string, Limits> limits_of(std::span<const Record> records);

/// Of the slowest limit's point of view: bytes / median us / limit. 0 without a limit, without bytes, and for
/// what may lie in the cache (hot, or not a matter of it).
double bytes_share(const Record& record, const Limits& limits);
double flops_share(const Record& record, const Limits& limits);

/// Why the record cannot be: it moves or computes more than the hardware did in the same run, which is a
/// measurement with noise itself, hence a slack of 2 %. Empty when it can be, or when the limit is not known.
std::string beyond(const Record& record, const Limits& limits);

/// Samples that a block needs: 10, and 3 of whole models and of the worker.
size_t least_samples(Kind kind);

/// Why this side cannot be used, one line; empty when it can. `side`: "BASE". `blocks` as each_once(). In
/// this order: not measured, a record that is invalid, a sample that is no time, more than half discarded,
/// too few samples, beyond() a ceiling, two records of one block, fewer than two blocks.
std::string objection_to(const std::string& side, const Blocks& blocks,
                         const std::map<std::string, Limits>& limits);

/// Whether the values of one block at least were compared with the twin's.
bool any_verified(const Blocks& blocks);

/// Why both sides cannot be compared with each other: another setting, or values compared with the twin's on
/// one side only. Both have at least one block.
std::string mismatch(const Blocks& base, const Blocks& head);

}  // namespace kigo::tools::perf
