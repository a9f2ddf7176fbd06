// The tables of the page: one row a curve, one a ceiling, one a compiled kernel, one a verdict.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tools/lib/perf/report_curves.h"
#include "tools/lib/perf/report_history.h"
#include "tools/lib/perf/summary.h"

namespace kigo::tools::perf {

/// Which curves still get a drawing, so that a page over many subjects stays usable.
struct DrawingBudget {
  size_t left = 4000;
  size_t missed = 0;
};

/// Rows of curves of one kind; with `ops` the columns that kernels have: rates, share, registers, occupancy.
std::string curve_table(std::span<const Curve> curves, bool ops, const VerdictIndex& verdicts,
                        DrawingBudget& budget);

/// The compiled kernels that the newest points of these curves launched, each once; empty without any.
std::string kernel_table(std::span<const Curve> curves);

/// What the hardware reached in a run.
std::string ceiling_table(const Ceilings& ceilings);

/// Verdicts in their order; at most 500, and says how many more there are.
std::string verdict_table(std::span<const ShownVerdict* const> verdicts);

/// Records that are not ok, the newest first; at most 500, and says how many more there are.
std::string bad_table(std::span<const Record* const> records);

/// A mark and the word.
std::string verdict_words(Verdict verdict);

}  // namespace kigo::tools::perf
