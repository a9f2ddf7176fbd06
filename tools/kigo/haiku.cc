// kigo haiku: the haiku test without a server; docs/haiku.md says what it proves.
#include <filesystem>
#include <limits>
#include <memory>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/base/sha256.h"
#include "tools/kigo/options.h"
#include "tools/lib/haiku_run.h"
#include "tools/lib/json_fields.h"
#include "tools/lib/terminal.h"

namespace kigo::tools {
namespace {

struct HaikuArguments {
  HaikuOptions haiku;
  EngineOptions engine;
  std::string out = "haiku-results";
  std::string at;
  std::string recheck;
  bool json = false;
};

std::string poem_and_checks(const HaikuFiles& files, const Json& verification) {
  const Json& transcript = files.transcript.find("attempts")->items()->back();
  const Json& attempt = verification.find("attempts")->items()->back();
  std::vector<std::vector<std::string>> rows{{"check", "expected", "found", "verdict"}};
  for (const Json& check : *attempt.find("checks")->items()) {
    const bool pass = *check.find("pass")->boolean();
    const bool required = *check.find("required")->boolean();
    rows.push_back({*check.find("check")->string(), *check.find("expected")->string(),
                    *check.find("found")->string(),
                    pass       ? coloured(Colour::green, "pass")
                    : required ? coloured(Colour::red, "FAIL")
                               : coloured(Colour::yellow, "reported")});
  }
  return cat(coloured(Colour::dim, *transcript.find("prompt")->string()), "\n\n",
             harmless(*transcript.find("text")->string()), "\n\n", table(rows));
}

int show(const HaikuFiles& files, const Json& verification, const std::string& folder, bool json) {
  const std::string verdict = *verification.find("verdict")->string();
  const int exit = verdict == "pass" ? kPassed : verdict == "undecided" ? kUndecided : kFailed;
  if (json) {
    Json object = verification;
    object.set("folder", folder);
    object.set("text", *files.transcript.find("attempts")->items()->back().find("text"));
    return print(true, "", object, exit);
  }
  const size_t attempts = verification.find("attempts")->items()->size();
  return print(false,
               cat(poem_and_checks(files, verification), "\n", verdict, ": engine ",
                   *verification.find("engine")->string(), ", poem ", *verification.find("poem")->string(),
                   ", ", attempts, attempts == 1 ? " attempt" : " attempts", "; files in ", folder, "\n"),
               Json(), exit);
}

/// The model that ships with kigo has to keep its promise of syllables, whatever a recording says about it.
Status check_model(const HaikuFiles& files) {
  const Fields model = Fields(files.environment, "environment.json").of("model");
  std::string hash;
  bool shipped = false;
  KIGO_TRY(model.get("sha256", hash));
  KIGO_TRY(model.get("shipped", shipped));
  KIGO_ASSIGN(const FileMap map, FileMap::open(shipped_model()));
  const bool truly = hash == sha256(map.bytes());
  if (shipped == truly) return {};
  return fail(Code::bad_value, "environment.json, model.shipped", cat(shipped),
              cat(truly, " for this sha256"));
}

Result<int> recheck(const HaikuArguments& options, const Lexicon& lexicon) {
  KIGO_ASSIGN(const HaikuFiles files, read_haiku_files(options.recheck));
  KIGO_TRY(verify_haiku(files, lexicon));  // before anything is written: the files may lack something
  KIGO_TRY(check_model(files));
  KIGO_ASSIGN(const Json verification, verify_folder(options.recheck, lexicon));
  return show(files, verification, options.recheck, options.json);
}

Result<int> run(HaikuArguments options) {
  KIGO_ASSIGN(const Lexicon lexicon, Lexicon::load(golden_folder() + "/haiku/lexicon.tsv"));
  if (!options.recheck.empty()) return recheck(options, lexicon);
  if (!options.at.empty()) {
    KIGO_ASSIGN(const Time at, parse_iso_time(options.at));
    options.haiku.clock = [at] { return at; };
  }
  const std::string path = options.haiku.model_file;
  KIGO_ASSIGN(const model::Model model, model::open(path));
  KIGO_ASSIGN(const auto tokenizer, text::Tokenizer::from_gguf(model.source.file));
  options.haiku.model_sha256 = sha256(model.source.map.bytes());
  std::error_code ignored;
  options.haiku.shipped = std::filesystem::equivalent(path, shipped_model(), ignored);
  KIGO_ASSIGN(const auto engine, open_engine(model, options.engine));
  KIGO_ASSIGN(const HaikuFiles files, run_haiku(model, *engine, tokenizer, options.haiku, lexicon));
  const std::string folder = run_folder(options.out, files);
  KIGO_ASSIGN(const Json verification, write_and_verify(files, folder, lexicon));
  return show(files, verification, folder, options.json);
}

}  // namespace

void add_haiku(CLI::App& app, int& exit) {
  const auto options = std::make_shared<HaikuArguments>();
  CLI::App* command =
      app.add_subcommand("haiku", "Ask for a haiku with the current minute and check the answer");
  add_model_option(*command, options->haiku.model_file);
  command->add_option("--topic", options->haiku.topic, "What it is about")->capture_default_str();
  command->add_option("-n,--max-tokens", options->haiku.max_tokens, "Stop after so many")
      ->transform(whole_number(std::numeric_limits<int64_t>::max()))
      ->capture_default_str();
  command->add_option("-o,--out", options->out, "Folder for the run's files")
      ->check(not_empty())
      ->capture_default_str();
  command
      ->add_option("--at", options->at,
                   "Take this for the current time: 2026-11-21T07:32:05Z; recorded as injected")
      ->check(not_empty());
  command
      ->add_option("--recheck", options->recheck,
                   "Compute the verdict of a recorded run again from its files")
      ->check(not_empty());
  add_engine_options(*command, options->engine);
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &exit] {
    const auto status = run(*options);
    const std::string& input = options->recheck.empty() ? options->haiku.model_file : options->recheck;
    exit = status ? *status : print_error(status.error(), input, options->json);
  });
}

}  // namespace kigo::tools
