// kigo compare: two sides, the same tokens, and the first checkpoint that leaves its bound.
#include <memory>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/base/sha256.h"
#include "tools/kigo/options.h"
#include "tools/lib/compare/open_side.h"
#include "tools/lib/terminal.h"

namespace kigo::tools {
namespace {

struct CompareArguments {
  std::string a = "reference";
  std::string b;
  std::string model;
  Prompt prompt;
  RunOptions run;
  bool repeat = false;
  bool json = false;
  std::string junit;
};

/// What is run: what a capture recorded, or the prompt's ids. Errors: invalid_request when neither or both
/// say it.
Result<std::vector<Call>> calls_of(const CompareArguments& options, const model::Model& model,
                                   const OpenSide& a, const OpenSide& b) {
  const bool asked = options.prompt.tokens || options.prompt.prompt || options.prompt.chat;
  const OpenSide* const recorded = a.capture ? &a : b.capture ? &b : nullptr;
  if (recorded != nullptr && asked)
    return fail(Code::invalid_request, "tokens", cat("a prompt and the capture ", recorded->side.name),
                "one of them: a capture brings its tokens");
  if (recorded != nullptr) {
    const auto calls = recorded->capture->calls();
    return std::vector<Call>(calls.begin(), calls.end());
  }
  if (!asked) return fail(Code::invalid_request, "tokens", "no prompt", "--tokens, --prompt or --chat");
  KIGO_ASSIGN(const auto ids, prompt_ids(model.source.file, options.prompt));
  return plan_calls(ids, options.run.steps, options.run.chunk, model.config.vocab);
}

Result<int> run(const CompareArguments& options) {
  KIGO_ASSIGN(const model::Model model, model::open(options.model));
  const std::string hash = sha256(model.source.map.bytes());
  KIGO_ASSIGN(const OpenSide a, open_side(model, options.a, options.run.device, hash));
  KIGO_ASSIGN(const OpenSide b, open_side(model, options.b, options.run.device, hash));
  KIGO_ASSIGN(const auto calls, calls_of(options, model, a, b));
  ProgressLine progress("comparing");
  CompareOptions compare_options{.repeat = options.repeat};
  compare_options.progress = [&](int64_t done, int64_t total) {
    progress.update(static_cast<uint64_t>(done), static_cast<uint64_t>(total));
  };
  KIGO_ASSIGN(const CompareReport report, compare_sides(model, a.side, b.side, calls, compare_options));
  if (!options.junit.empty()) KIGO_TRY(write_file(options.junit, report.junit(options.model)));
  constexpr int kExits[] = {kPassed, kFailed, kUndecided};
  return print(options.json, report.text(), report.json(), kExits[static_cast<size_t>(report.verdict)]);
}

}  // namespace

void add_compare(CLI::App& app, int& exit) {
  const auto options = std::make_shared<CompareArguments>();
  CLI::App* command = app.add_subcommand(
      "compare", "The first checkpoint that leaves its bound: exit 0 equal, 1 diverged, 3 undecided");
  const char* const sides = "reference, reference-half, cuda, cuda-half, cuda-float or a capture file";
  command->add_option("a", options->a, sides)->required()->check(not_empty());
  command->add_option("b", options->b, "The same")->required()->check(not_empty());
  add_model_option(*command, options->model);
  add_prompt_options(*command, options->prompt, /*required=*/false);
  add_run_options(*command, options->run);
  command->add_flag("--repeat", options->repeat, "Run B twice: differences from run to run");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->add_option("--junit", options->junit, "Write JUnit XML to this file besides")->check(not_empty());
  command->callback([options, &exit] {
    const auto status = run(*options);
    exit = status ? *status : print_error(status.error(), options->model, options->json);
  });
}

}  // namespace kigo::tools
