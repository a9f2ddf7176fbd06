// kigo perf report: histories and new measurements as one page, and as a summary in Markdown.
#include <algorithm>
#include <cstdio>
#include <iterator>
#include <memory>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "tools/kigo/options.h"
#include "tools/kigo/perf.h"
#include "tools/lib/perf/decide.h"
#include "tools/lib/perf/history.h"
#include "tools/lib/perf/report.h"
#include "tools/lib/perf/shown_verdicts.h"

namespace kigo::tools {
namespace {

struct ReportArguments {
  std::vector<std::string> histories;
  std::vector<std::string> base;
  std::vector<std::string> added;
  std::string out;
  std::string markdown;
  perf::DecideOptions options;
};

constexpr size_t kSaidLines = 20;

/// Appends what files hold; lines that cannot be read are put aside. Errors: io.
Status load(const std::vector<std::string>& paths, std::vector<perf::Record>& records,
            std::vector<Error>& broken) {
  for (const std::string& path : paths) {
    KIGO_ASSIGN(perf::History history, perf::read_history(path));
    std::ranges::move(history.records, std::back_inserter(records));
    for (perf::Broken& line : history.broken) broken.push_back(std::move(line.error));
  }
  return {};
}

void say_skipped(const std::vector<Error>& broken) {
  for (size_t i = 0; i < std::min(broken.size(), kSaidLines); ++i)
    std::fprintf(stderr, "kigo: skipped %s\n", broken[i].message().c_str());
  if (broken.size() > kSaidLines)
    std::fprintf(stderr, "kigo: skipped %zu lines more\n", broken.size() - kSaidLines);
}

Result<int> report(const ReportArguments& arguments) {
  std::vector<Error> broken;
  std::vector<perf::Record> all;
  std::vector<perf::Record> base;
  std::vector<perf::Record> head;
  KIGO_TRY(load(arguments.histories, all, broken));
  KIGO_TRY(load(arguments.base, base, broken));
  KIGO_TRY(load(arguments.added, head, broken));
  if (all.empty() && base.empty() && head.empty() && broken.empty())
    return fail(Code::invalid_request, "--history, --new", "no record in any file", "one at least");
  perf::Decision decision;
  if (!arguments.base.empty()) decision = perf::decide(base, head, all, arguments.options);
  const auto verdicts = perf::shown(decision, base, head);
  const auto past = perf::past_verdicts(all, {.allow_new = arguments.options.allow_new});
  if (!arguments.markdown.empty()) {
    const auto& measured = head.empty() ? all : head;
    KIGO_TRY(write_file(arguments.markdown, perf::markdown_summary({verdicts, decision.notes, measured})));
  }
  std::ranges::move(base, std::back_inserter(all));
  std::ranges::move(head, std::back_inserter(all));
  // A new file may be in the history already.
  if (arguments.histories.size() + arguments.base.size() + arguments.added.size() > 1)
    all = perf::merged(std::move(all));
  const std::string page = perf::report_page({all, verdicts, past, decision.notes, broken});
  KIGO_TRY(write_file(arguments.out, page));
  say_skipped(broken);
  std::printf("%s records, %s bytes in %s\n", grouped(all.size()).c_str(), grouped(page.size()).c_str(),
              arguments.out.c_str());
  return broken.empty() ? kPassed : kFailed;
}

}  // namespace

void add_perf_report(CLI::App& perf, int& exit) {
  const auto arguments = std::make_shared<ReportArguments>();
  CLI::App* command =
      perf.add_subcommand("report", "One page of curves, roofline and verdicts; needs nothing beside it");
  command->add_option("--history", arguments->histories, "Records, or a folder of .jsonl files")
      ->check(not_empty());
  auto* added = command->add_option("--new", arguments->added, "Records of a run that is not in the history")
                    ->check(not_empty());
  auto* base = command
                   ->add_option("--base", arguments->base,
                                "The other build's of the same run: gives verdicts on --new")
                   ->check(not_empty())
                   ->needs(added);
  command
      ->add_option("--anchor", arguments->options.drift.anchor,
                   "Commit of the history from which on drift counts")
      ->check(not_empty())
      ->needs(base);
  command->add_flag("--allow-new", arguments->options.allow_new,
                    "What only the new side of a run has is AMBIGUOUS, not INVALID");
  command->add_option("-o,--out", arguments->out, "The page to write (HTML)")->required()->check(not_empty());
  command->add_option("--markdown", arguments->markdown, "Write a summary for a pull request besides")
      ->check(not_empty());
  command->callback([arguments, &exit] {
    if (arguments->histories.empty() && arguments->added.empty())
      throw CLI::RequiredError("--history or --new");
    std::vector<std::string> inputs = arguments->histories;
    for (const auto* more : {&arguments->base, &arguments->added})
      inputs.insert(inputs.end(), more->begin(), more->end());
    refuse_overwriting({{"--out", arguments->out}, {"--markdown", arguments->markdown}}, inputs);
    const auto status = report(*arguments);
    exit = status ? *status : print_error(status.error(), arguments->out, false);
  });
}

}  // namespace kigo::tools
