// The stage of `kigo verify` that holds every checkpoint of an engine to the stage computed again.
#include <algorithm>

#include "core/base/cat.h"
#include "tools/lib/compare/compare.h"
#include "tools/lib/compare/rounding.h"
#include "tools/lib/stages.h"

namespace kigo::tools {
namespace {

constexpr size_t kTokens = 48;  // of the first prompt
constexpr int64_t kSteps = 4;   // the last of them one at a time

Result<CompareReport> compared(const Subject& subject) {
  std::vector<uint32_t> tokens = prompts_of(subject).front();
  tokens.resize(std::min(tokens.size(), kTokens));
  const int64_t steps = std::min(kSteps, static_cast<int64_t>(tokens.size()) - 1);
  KIGO_ASSIGN(const std::vector<Call> calls, plan_calls(tokens, steps, 0, subject.model.config.vocab));
  reference::Session reference(subject.model, subject.engine.twin_cache());
  subject.engine.session().reset();
  Side a{.name = "reference", .session = &reference};
  KIGO_ASSIGN(
      a.rounding,
      rounding_named(subject.engine.twin_cache() == reference::Cache::Half ? "double cache-half" : "double",
                     a.name));
  Side b{.name = subject.engine.name(),
         .session = &subject.engine.session(),
         .enter_thread = [&engine = subject.engine] { return engine.enter_thread(); }};
  KIGO_ASSIGN(b.rounding, rounding_named(subject.engine.rounding(), b.name));
  return compare_sides(subject.model, a, b, calls, {.carried = false});
}

}  // namespace

Stage checkpoints_stage(const Subject& subject) {
  const char* const name = "gpu checkpoints";
  const auto report = compared(subject);
  if (!report) return failed_stage(name, "each stage on its own input", report.error());
  const auto mine =
      std::ranges::count_if(report->checkpoints, [](const Checkpoint& c) { return c.side == 1; });
  Stage stage =
      stage_of(report->verdict == Comparison::equal, name,
               cat(mine, " of a prompt and its last steps, each computed again from its own input"));
  double share = 0;
  for (const Checkpoint& checkpoint : report->checkpoints) {
    if (checkpoint.side == 1) share = std::max(share, checkpoint.share);
  }
  stage.share = share;
  if (stage.verdict != Verdict::pass) {
    stage.detail = report->reason;
    if (const Checkpoint* bad = report->first_bad()) {
      for (const Cause& cause : bad->causes) stage.detail += cat("\n    cause: ", cause.text);
    }
  }
  return stage;
}

}  // namespace kigo::tools
