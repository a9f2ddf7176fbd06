// `kigo perf report`: measurements and verdicts as one page of HTML that needs nothing beside it.
#pragma once

#include <span>
#include <string>

#include "core/base/result.h"
#include "tools/lib/perf/record.h"
#include "tools/lib/perf/summary.h"

namespace kigo::tools::perf {

struct ReportInput {
  std::span<const Record> records;
  std::span<const ShownVerdict> verdicts;  // of this comparison: listed, and marked on the curves
  std::span<const ShownVerdict> past;      // on older runs: marked on the curves
  std::span<const std::string> notes;      // on the comparison as a whole
  std::span<const Error> broken;           // lines of files that could not be read
};

/// The whole page, UTF-8: no script, nothing from elsewhere, drawings inside. Equal input in any order gives
/// equal bytes. Settings have sections of their own, those with kernels first, and of these the one measured
/// last, which is open. Memory: what points at the records, and the page.
std::string report_page(const ReportInput& input);

}  // namespace kigo::tools::perf
