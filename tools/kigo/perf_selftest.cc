// kigo perf selftest: how often the tracker cries wolf, and what it finds.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <memory>
#include <utility>

#include "core/base/cat.h"
#include "tools/kigo/options.h"
#include "tools/kigo/perf.h"
#include "tools/lib/perf/history.h"
#include "tools/lib/perf/selftest.h"
#include "tools/lib/perf/selftest_measure.h"
#include "tools/lib/perf/two_steps.h"
#include "tools/lib/terminal.h"

namespace kigo::tools {
namespace {

struct SelftestArguments {
  perf::SelftestMeasureOptions measure;
  perf::EstimateOptions estimate;
  int64_t blocks = 4;   // of a comparison
  int64_t more = 0;     // of what these leave open
  std::string records;  // a folder that was measured before
  double timeout_s = 300;
  bool json = false;
};

/// Without --out a folder that stays: what was measured is worth more than the room it takes.
std::string new_folder() {
  return cat(std::filesystem::temp_directory_path().string(), "/kigo_perf_selftest.", ::getpid());
}

Result<std::vector<perf::Record>> records_in(const std::string& folder, const char* side) {
  const std::string file = cat(folder, "/", side, ".jsonl");
  KIGO_ASSIGN(perf::History history, perf::read_history(file));
  if (!history.broken.empty()) return tl::unexpected<Error>(history.broken.front().error);
  return std::move(history.records);
}

Status measure(const SelftestArguments& arguments, const std::string& folder) {
  perf::SelftestMeasureOptions options = arguments.measure;
  options.folder = folder;
  options.slow_blocks = std::max(arguments.blocks, arguments.more);
  options.timeout = std::chrono::milliseconds(static_cast<int64_t>(arguments.timeout_s * 1000));
  ProgressLine progress("measuring");
  options.progress = [&](int64_t done, int64_t total, const std::string&) {
    progress.update(static_cast<uint64_t>(done), static_cast<uint64_t>(total));
  };
  KIGO_TRY(perf::measure_selftest(options));
  return {};
}

Result<int> run(const SelftestArguments& arguments) {
  const bool recorded = !arguments.records.empty();
  const std::string folder = recorded                           ? arguments.records
                             : arguments.measure.folder.empty() ? new_folder()
                                                                : arguments.measure.folder;
  if (!recorded) KIGO_TRY(measure(arguments, folder));
  KIGO_ASSIGN(const auto base, records_in(folder, "base"));
  KIGO_ASSIGN(const auto head, records_in(folder, "head"));
  KIGO_ASSIGN(const std::vector<perf::SelftestRun> runs, perf::runs_of(base, head));
  ProgressLine progress("drawing runs");
  perf::EstimateOptions options = arguments.estimate;
  options.blocks = std::max(arguments.blocks, arguments.more);
  perf::Judge judge = perf::judge_of_comparisons();
  if (arguments.more > arguments.blocks) judge = perf::in_two_steps(judge, arguments.blocks);
  options.progress = [&](int64_t done, int64_t total) {
    progress.update(static_cast<uint64_t>(done), static_cast<uint64_t>(total));
  };
  KIGO_ASSIGN(const perf::Selftest selftest, perf::evaluate(runs, judge, options));
  Json object = selftest.json();
  object.set("records", folder);
  return print(arguments.json, cat(selftest.text(), "records: ", folder, "\n"), object,
               selftest.passes() ? kPassed : kFailed);
}

/// What no check of a single option sees. Throws what the command line is refused with.
void check(const SelftestArguments& arguments) {
  if (arguments.measure.program.empty() && arguments.records.empty())
    throw CLI::RequiredError("--program or --records");
  for (const auto& [option, blocks] : {std::pair{"--blocks", arguments.blocks},
                                       {"--more", arguments.more},
                                       {"--recorded", arguments.measure.blocks}}) {
    if (blocks % 2 != 0)
      throw CLI::ValidationError(
          option, cat(blocks, ", expected an even number: base, head, head, base are two of each side"));
  }
}

}  // namespace

void add_perf_selftest(CLI::App& perf, int& exit) {
  const auto arguments = std::make_shared<SelftestArguments>();
  CLI::App* command = perf.add_subcommand("selftest",
                                          "A program against itself and against a slower self: exit 0 the "
                                          "goals are reached, 1 missed, or a subject was left out, 3 not run "
                                          "(no GPU)");
  auto* const program =
      command->add_option("--program", arguments->measure.program, "A program that measures");
  program->check(CLI::ExistingFile);
  command->add_option("--records", arguments->records, "Repeat the estimate from a folder that --out named")
      ->check(CLI::ExistingDirectory)
      ->excludes(program);
  command->add_option("--out", arguments->measure.folder,
                      "Folder for base.jsonl and head.jsonl (a temporary one)");
  command->add_option("--runs", arguments->measure.runs, "Real runs (3)")
      ->check(CLI::Range(int64_t{1}, int64_t{10'000}));
  command
      ->add_option("--recorded", arguments->measure.blocks, "Blocks of each name on either side of a run (8)")
      ->check(CLI::Range(int64_t{2}, int64_t{1000}));
  command->add_option("--blocks", arguments->blocks, "Blocks of a comparison, as of kigo perf measure (4)")
      ->check(CLI::Range(int64_t{2}, int64_t{1000}));
  command
      ->add_option("--more", arguments->more, "Blocks of what these leave open, as of kigo perf measure (0)")
      ->check(CLI::Range(int64_t{0}, int64_t{1000}));
  command
      ->add_option("--resamples", arguments->estimate.resamples, "Runs drawn from the recorded blocks (1000)")
      ->check(CLI::Range(int64_t{0}, int64_t{10'000'000}));
  command->add_option("--seed", arguments->estimate.seed, "Of the draws (1)")
      ->transform(whole_number(std::numeric_limits<uint64_t>::max()));
  command
      ->add_option("--seconds", arguments->measure.seconds,
                   "Begin no run that would end later; one is always measured")
      ->check(number_between(0, 86400));
  command->add_flag("--quick", arguments->measure.quick, "The program's short list of names");
  command->add_option("--filter", arguments->measure.filter,
                      "Only names in which this regular expression is found");
  command->add_option("--machine", arguments->measure.machine,
                      "A name for this machine, written into the records");
  command->add_flag("--long-lived", arguments->measure.long_lived, "One process for all blocks of a run");
  command->add_option("--timeout", arguments->timeout_s, "Seconds for one name in one block (300)")
      ->check(number_between(0.1, 86400));
  command->add_flag("--json", arguments->json, "Print one JSON object");
  command->callback([arguments, &exit] {
    check(*arguments);
    const auto status = run(*arguments);
    if (status) {
      exit = *status;
      return;
    }
    exit = print_error(status.error(), arguments->measure.folder, arguments->json);
    if (status.error().code == Code::unsupported) exit = kUndecided;
  });
}

}  // namespace kigo::tools
