// kigo faults: the scorecard of the seeded faults, in a build that holds them.
#include <cstdio>
#include <filesystem>
#include <memory>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "tools/kigo/command.h"
#include "tools/kigo/options.h"

#ifdef KIGO_FAULTS

#include "core/base/fault.h"
#include "tools/lib/faults/nmse.h"
#include "tools/lib/faults/probe.h"
#include "tools/lib/faults/scorecard.h"

namespace kigo::tools {
namespace {

struct FaultsArguments {
  ScorecardOptions card;
  bool json = false;
  std::string junit;
  bool probe = false;
};

/// One process of the scorecard: what is seen with the faults that are on.
int probe() {
  Json json = probe_json(probe_all());
  if (fault::selected().size() == 1) {
    const auto score = nmse_score(fault::selected().front());
    if (score) json.set("nmse", score->json());
  }
  std::printf("\n%s\n", json.dump().c_str());
  return kPassed;
}

int run(FaultsArguments& options) {
  for (const std::string& name : options.card.only) {
    if (fault::find(name) != nullptr) continue;
    std::fprintf(stderr, "kigo: %s, expected a fault of docs/faults.md\n", name.c_str());
    return kUsage;
  }
  if (!fault::selected().empty()) {
    std::fputs("kigo: KIGO_FAULT is set, expected none: the scorecard switches faults on itself\n", stderr);
    return kUsage;
  }
  if (options.json) {
    options.card.on_line = [](const Json& line) {
      Json marked = line;
      marked.set("fault_build", true);
      std::printf("%s\n", marked.dump().c_str());
      std::fflush(stdout);
    };
  }
  const Scorecard card = run_scorecard(options.card);
  std::fputs(card.text().c_str(), options.json ? stderr : stdout);
  if (!options.junit.empty()) {
    const Status written = write_file(options.junit, card.junit());
    if (!written) return print_error(written.error(), options.junit, options.json);
  }
  return card.pass() ? kPassed : kFailed;
}

}  // namespace

void add_faults(CLI::App& app, int& exit) {
  const auto options = std::make_shared<FaultsArguments>();
  options->card.program = std::filesystem::canonical("/proc/self/exe").string();
  options->card.tests = KIGO_TESTS_FOLDER;
  CLI::App* command = app.add_subcommand("faults", "Switch on each seeded fault and show what catches it");
  command->add_option("fault", options->card.only, "Faults, F24; without any all, with pairs and controls");
  command->add_option("--tests", options->card.tests, "Folder of the test programs");
  command->add_option("--jobs", options->card.jobs, "Processes at a time")->check(CLI::Range(1, 256));
  command->add_option("--limit", options->card.limit_s, "Seconds for one process")
      ->check(CLI::Range(1, 3600));
  command->add_flag("--json", options->json, "One JSON object a line; the table goes to standard error");
  command->add_option("--junit", options->junit, "Write JUnit XML to this file besides")->check(not_empty());
  command->add_flag("--probe", options->probe, "What this process sees of itself, as JSON");
  command->callback([options, &exit] { exit = options->probe ? probe() : run(*options); });
}

}  // namespace kigo::tools

#else

namespace kigo::tools {

void add_faults(CLI::App& app, int& exit) {
  CLI::App* command = app.add_subcommand("faults", "Switch on each seeded fault (test builds only)");
  command->allow_extras();
  command->callback([&exit] {
    std::fputs("kigo: faults: this build holds no seeded faults, expected one of the preset faults\n",
               stderr);
    exit = kUndecided;
  });
}

}  // namespace kigo::tools

#endif
