// kigo perf measure: two builds of a program that measures, in turns.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>

#include "core/base/cat.h"
#include "tools/kigo/options.h"
#include "tools/kigo/perf.h"
#include "tools/lib/perf/measure.h"
#include "tools/lib/terminal.h"

namespace kigo::tools {
namespace {

struct MeasureArguments {
  perf::MeasureOptions options;
  double timeout_s = 300;
  bool json = false;
};

/// A line that is updated on a terminal; elsewhere one now and then.
class Turns {
 public:
  void operator()(int64_t done, int64_t total, const std::string& name) {
    line_.update(static_cast<uint64_t>(done), static_cast<uint64_t>(total));
    const auto now = std::chrono::steady_clock::now();
    if (::isatty(STDERR_FILENO) == 1 || now - said_ < std::chrono::seconds(20)) return;
    said_ = now;
    std::fprintf(stderr, "kigo: measured %ld of %ld, now %s\n", static_cast<long>(done),
                 static_cast<long>(total), name.c_str());
  }

 private:
  ProgressLine line_{"measuring"};
  std::chrono::steady_clock::time_point said_ = std::chrono::steady_clock::now();
};

std::string text_of(const perf::MeasureSummary& summary, const std::string& folder) {
  std::string text;
  const auto add = [&](const char* what, const std::vector<std::string>& lines) {
    for (const std::string& line : lines) text += cat(what, "  ", escaped(line, 1000), "\n");
  };
  add("INVALID", summary.problems);
  add("only in base", summary.only_base);
  add("only in head", summary.only_head);
  return cat(text, "measured ", summary.names, " names in ", summary.blocks, " blocks, ", summary.open,
             " of them in more, ", summary.records, " records (", summary.invalid, " invalid, ",
             summary.timed_out, " timed out), ", summary.restarts, " restarts, ", duration(summary.seconds),
             ": ", folder, "\n");
}

Json json_of(const perf::MeasureSummary& summary) {
  return Json::object({{"run", summary.run},
                       {"names", summary.names},
                       {"blocks", summary.blocks},
                       {"open", summary.open},
                       {"records", summary.records},
                       {"invalid", summary.invalid},
                       {"timed_out", summary.timed_out},
                       {"restarts", summary.restarts},
                       {"only_base", Json::array_of(summary.only_base)},
                       {"only_head", Json::array_of(summary.only_head)},
                       {"problems", Json::array_of(summary.problems)},
                       {"seconds", summary.seconds}});
}

int run(const MeasureArguments& arguments) {
  perf::MeasureOptions options = arguments.options;
  options.timeout = std::chrono::milliseconds(static_cast<int64_t>(arguments.timeout_s * 1000));
  const auto turns = std::make_shared<Turns>();
  options.progress = [turns](int64_t done, int64_t total, const std::string& name) {
    (*turns)(done, total, name);
  };
  const auto summary = perf::measure(options);
  if (!summary) {
    const int failed = print_error(summary.error(), options.folder, arguments.json);
    return summary.error().code == Code::unsupported ? int{kUndecided} : failed;
  }
  return print(arguments.json, text_of(*summary, options.folder), json_of(*summary),
               summary->ok() ? kPassed : kFailed);
}

}  // namespace

void add_perf_measure(CLI::App& perf, int& exit) {
  const auto arguments = std::make_shared<MeasureArguments>();
  perf::MeasureOptions& options = arguments->options;
  CLI::App* command = perf.add_subcommand(
      "measure",
      "Times two builds in turns: exit 0 all measured, 1 something is invalid or failed, 3 not run (no GPU)");
  command->add_option("--head", options.head, "The program that measures, of the new build")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_option("--base", options.base, "The same of the build to compare with")
      ->check(CLI::ExistingFile);
  command->add_option("--out", options.folder, "Folder for head.jsonl, base.jsonl and the programs' logs")
      ->required()
      ->check(not_empty());
  command->add_option("--blocks", options.blocks, "How often each name is measured on each side (4)")
      ->check(CLI::Range(int64_t{1}, int64_t{1000}));
  command
      ->add_option("--more", options.more,
                   "How often those that these leave open: SLOW, FAST or AMBIGUOUS (0: no more)")
      ->check(CLI::Range(int64_t{0}, int64_t{1000}));
  command
      ->add_option("--seconds", options.seconds,
                   "Begin no two blocks more when they would end later; two are always measured (0: no end)")
      ->check(number_between(0, 86400));
  command->add_flag("--quick", options.quick, "The programs' short list of names");
  command->add_option("--filter", options.filter, "Only names in which this regular expression is found");
  command->add_option("--machine", options.machine, "A name for this machine, written into the records");
  command->add_flag("--long-lived", options.long_lived,
                    "One process for all blocks: faster, and less to be trusted");
  command->add_option("--timeout", arguments->timeout_s, "Seconds for one name in one block (300)")
      ->check(number_between(0.1, 86400));
  command->add_flag("--json", arguments->json, "Print one JSON object");
  command->callback([arguments, &exit] {
    const perf::MeasureOptions& chosen = arguments->options;
    if (chosen.more > chosen.blocks && (chosen.blocks % 2 != 0 || chosen.more % 2 != 0))
      throw CLI::ValidationError("--more",
                                 "with it, --blocks and --more must be even: base, head, head, base");
    exit = run(*arguments);
  });
}

}  // namespace kigo::tools
