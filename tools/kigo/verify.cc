// kigo verify: every check that can be made of a model file, as a table with a verdict.
#include <cstdio>
#include <filesystem>
#include <memory>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "tools/kigo/options.h"
#include "tools/lib/terminal.h"
#include "tools/lib/verification.h"

namespace kigo::tools {
namespace {

struct VerifyArguments {
  std::string file;
  std::string golden;
  EngineOptions engine;
  std::string junit;
  bool json = false;
};

std::string percent(double share) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, share < 1000 ? "%.1f %%" : "%.2g %%", share * 100);
  return buffer;
}

std::string report(const Verification& verification) {
  constexpr Colour kColours[] = {Colour::green, Colour::red, Colour::yellow, Colour::yellow};
  std::vector<std::vector<std::string>> rows{{"stage", "checked", "of bound", "time", "verdict"}};
  for (const Stage& stage : verification.stages) {
    rows.push_back({stage.name, stage.checked, stage.share ? percent(*stage.share) : "",
                    stage.seconds > 0 ? duration(stage.seconds) : "",
                    coloured(kColours[static_cast<size_t>(stage.verdict)], name(stage.verdict))});
  }
  std::string out = cat(verification.file, "\n\n", table(rows, {2, 3}));
  for (const Stage& stage : verification.stages) {
    if (!stage.detail.empty()) out += cat("  ", stage.name, ": ", stage.detail, "\n");
  }
  for (const std::string& note : verification.notes) out += cat("  note: ", note, "\n");
  if (!verification.poem.empty()) out += cat("\n", harmless(verification.poem), "\n");
  return out +
         cat("\nverdict: ",
             coloured(kColours[static_cast<size_t>(verification.verdict())], name(verification.verdict())),
             "\n");
}

Result<int> run(const VerifyArguments& options) {
  ProgressLine progress("verifying");
  std::error_code ignored;
  VerificationOptions verification_options{
      options.file, options.golden, std::filesystem::equivalent(options.file, shipped_model(), ignored),
      options.engine, [](const std::string&) {}};
  const uint64_t stages = options.engine.backend == Device::cpu ? 6 : 7;
  uint64_t done = 0;
  verification_options.progress = [&](const std::string&) { progress.update(done++, stages); };
  KIGO_ASSIGN(const Verification verification, verify(verification_options));
  progress.update(stages, stages);
  if (!options.junit.empty()) KIGO_TRY(write_file(options.junit, verification.junit()));
  constexpr int kExits[] = {kPassed, kFailed, kUndecided, kUndecided};
  return print(options.json, report(verification), verification.json(),
               kExits[static_cast<size_t>(verification.verdict())]);
}

}  // namespace

void add_verify(CLI::App& app, int& exit) {
  const auto options = std::make_shared<VerifyArguments>();
  options->file = shipped_model();
  options->golden = golden_folder();
  CLI::App* command =
      app.add_subcommand("verify", "Check a model file: exit 0 passed, 1 failed, 3 undecided");
  command->add_option("file", options->file, "GGUF file; without it the model that ships with kigo");
  command->add_option("--golden", options->golden, "Folder with data from outside");
  add_engine_options(*command, options->engine);
  command->add_flag("--json", options->json, "Print one JSON object");
  command->add_option("--junit", options->junit, "Write JUnit XML to this file besides")->check(not_empty());
  command->callback([options, &exit] {
    const auto status = run(*options);
    exit = status ? *status : print_error(status.error(), "", options->json);
  });
}

}  // namespace kigo::tools
