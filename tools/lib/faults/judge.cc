#include "tools/lib/faults/judge.h"

#include <algorithm>
#include <set>

#include "core/base/cat.h"

namespace kigo::tools {
namespace {

/// F61, F85 and F86 may end in a crash or never: that is how they show.
bool may_crash(std::string_view fault) { return fault == "F61" || fault == "F85" || fault == "F86"; }

}  // namespace

void decide(FaultLine& line, const fault::Fault& fault, const Outcome& outcome) {
  std::set<char> red;
  for (const Red& each : outcome.red) {
    red.insert(each.kind);
    line.caught_by.push_back(each.by);
  }
  const bool shows_by_crash = may_crash(fault.name) && !outcome.crashed.empty();
  if (shows_by_crash) red.insert(outcome.crashed_kinds.begin(), outcome.crashed_kinds.end());
  for (const char kind : fault.kinds) {
    if (red.contains(kind)) continue;
    const std::string_view why = why_not_run(kind);
    if (why.empty()) {
      line.kinds_missing += kind;
    } else {
      line.kinds_not_run.push_back(cat(std::string(1, kind), ": ", why));
    }
  }
  line.named = outcome.named(fault.checkpoint);
  if (const Red* first = outcome.first()) {
    line.position = first->position;
    line.over = first->over;
  }
  for (const std::string& crash : outcome.crashed) line.detail += cat(line.detail.empty() ? "" : "; ", crash);
  if (!outcome.crashed.empty() && !may_crash(fault.name)) {
    line.verdict = FaultVerdict::error;
  } else if (!outcome.reached_all() && !shows_by_crash) {  // who crashes cannot say what it reached
    line.verdict = FaultVerdict::not_reached;
  } else if (outcome.red.empty() && outcome.crashed.empty()) {
    line.verdict = FaultVerdict::survived;
  } else if (!line.kinds_missing.empty()) {
    line.verdict = FaultVerdict::partial;
  } else {
    line.verdict = line.named.starts_with(fault.checkpoint) ? FaultVerdict::killed : FaultVerdict::misnamed;
  }
}

}  // namespace kigo::tools
