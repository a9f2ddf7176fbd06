// What a comparison found, for a pull request: Markdown.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/lib/perf/judge.h"
#include "tools/lib/perf/record.h"
#include "tools/lib/perf/svg.h"

namespace kigo::tools::perf {

/// A verdict on one subject as it is shown.
struct ShownVerdict {
  Setting setting;
  Subject subject;
  std::string run;     // of the new side
  std::string commit;  // of the new side
  std::string base;    // what it was compared with: a commit, "anchor" ...
  Verdict verdict = Verdict::same;
  double change = 0;  // of the time, new over base less one; NaN where it is not known
  double low = 0;     // its interval
  double high = 0;
  std::string reason;
};

/// In what order verdicts are listed: what needs a person first.
inline constexpr Verdict kVerdicts[] = {Verdict::slow, Verdict::invalid, Verdict::ambiguous, Verdict::fast,
                                        Verdict::same};

/// Whether `a` is listed above `b`: by the order of the verdicts, then by what they are on.
bool listed_before(const ShownVerdict* a, const ShownVerdict* b);
/// Verdicts in three parts, each in the order of listed_before(): what is to be read, what there may be too
/// much of (AMBIGUOUS, beyond 20), and SAME.
struct SortedVerdicts {
  std::vector<const ShownVerdict*> open, ambiguous, same;
};
SortedVerdicts sorted_for_reading(std::span<const ShownVerdict> verdicts);

/// Class of the style sheet, and the mark.
std::string_view css_class_of(Verdict verdict);
Mark mark_of(Verdict verdict);

struct SummaryInput {
  std::span<const ShownVerdict> verdicts;
  std::span<const std::string> notes;  // on the comparison as a whole
  std::span<const Record> records;     // of the new side
};

/// Verdicts as counts, the notes, a table of what is not SAME (change, interval, reason), the rest folded,
/// then the environment of the records. Text of files is escaped; tables end at 200 rows and say so.
std::string markdown_summary(const SummaryInput& input);

}  // namespace kigo::tools::perf
