// Verdicts as the page and the summary show them: of a comparison, and of pairs of builds that the history
// holds.
#pragma once

#include <span>
#include <vector>

#include "tools/lib/perf/decide.h"
#include "tools/lib/perf/record.h"
#include "tools/lib/perf/summary.h"

namespace kigo::tools::perf {

/// The rows of a decision with the setting, run and commit of what they are on: the newest record of `head`,
/// or of `base` where head has none. A change that was not measured is NaN.
std::vector<ShownVerdict> shown(const Decision& decision, std::span<const Record> base,
                                std::span<const Record> head);

/// Verdicts on runs of the history that hold two commits, both measured in turns: judged from the blocks of
/// that run alone, so that one run's cost does not grow with the history. The commit measured first is the
/// base.
std::vector<ShownVerdict> past_verdicts(std::span<const Record> history, const DecideOptions& options = {});

}  // namespace kigo::tools::perf
