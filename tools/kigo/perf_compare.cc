// kigo perf compare: what two builds' measurements say of every kernel.
#include <cstdio>
#include <memory>

#include "core/base/file_map.h"
#include "tools/kigo/options.h"
#include "tools/kigo/perf.h"
#include "tools/lib/perf/decide.h"
#include "tools/lib/perf/history.h"
#include "tools/lib/perf/shown_verdicts.h"

namespace kigo::tools {
namespace {

struct PerfCompareArguments {
  std::string base, head, history, markdown;
  perf::DecideOptions options;
  bool json = false;
};

/// Says on standard error which lines were passed over.
Result<perf::History> read_aloud(const std::string& path) {
  KIGO_ASSIGN(perf::History history, perf::read_history(path));
  for (const perf::Broken& line : history.broken)
    std::fprintf(stderr, "kigo: skipped %s\n", line.error.message().c_str());
  return history;
}

Result<int> run(const PerfCompareArguments& arguments) {
  KIGO_ASSIGN(const perf::History base, read_aloud(arguments.base));
  KIGO_ASSIGN(const perf::History head, read_aloud(arguments.head));
  perf::History history;
  if (!arguments.history.empty()) {
    KIGO_ASSIGN(history, read_aloud(arguments.history));
  }
  const perf::Decision decision =
      perf::decide(base.records, head.records, history.records, arguments.options);
  if (!arguments.markdown.empty()) {
    const auto verdicts = perf::shown(decision, base.records, head.records);
    KIGO_TRY(
        write_file(arguments.markdown, perf::markdown_summary({verdicts, decision.notes, head.records})));
  }
  // A line of the run that cannot be read may be the block that was slow.
  const bool whole = base.broken.empty() && head.broken.empty();
  return print(arguments.json, decision.text(), decision.json(),
               whole && decision.passes() ? kPassed : kFailed);
}

}  // namespace

void add_perf_compare(CLI::App& perf, int& exit) {
  const auto arguments = std::make_shared<PerfCompareArguments>();
  perf::DecideOptions& options = arguments->options;
  CLI::App* command = perf.add_subcommand(
      "compare", "FAST, SLOW, SAME, AMBIGUOUS or INVALID for every kernel: exit 1 on SLOW and on INVALID");
  command->add_option("base", arguments->base, "Blocks of the old build (.jsonl)")
      ->required()
      ->check(not_empty());
  command->add_option("head", arguments->head, "Blocks of the new build, of the same run")
      ->required()
      ->check(not_empty());
  command->add_option("--history", arguments->history, "File or folder: each kernel's noise, and its drift")
      ->check(not_empty());
  command->add_option("--anchor", options.drift.anchor, "Commit of the history from which on drift counts")
      ->check(not_empty());
  command->add_flag("--allow-new", options.allow_new, "What only HEAD has is AMBIGUOUS, not INVALID");
  command->add_option("--markdown", arguments->markdown, "Write a summary to this file besides")
      ->check(not_empty());
  command->add_flag("--json", arguments->json, "Print one JSON object");
  command->callback([arguments, &exit] {
    refuse_overwriting({{"--markdown", arguments->markdown}},
                       {arguments->base, arguments->head, arguments->history});
    const auto status = run(*arguments);
    exit = status ? *status : print_error(status.error(), arguments->base, arguments->json);
  });
}

}  // namespace kigo::tools
