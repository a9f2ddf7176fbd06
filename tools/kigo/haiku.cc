// kigo haiku: the haiku test, in this process or against a worker; docs/haiku.md says what it proves.
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <memory>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/base/sha256.h"
#include "tools/kigo/options.h"
#include "tools/lib/haiku/local_run.h"
#include "tools/lib/haiku/published_models.h"
#include "tools/lib/haiku/run.h"
#include "tools/lib/haiku/run_files.h"
#include "tools/lib/json_fields.h"
#include "tools/lib/terminal.h"

namespace kigo::tools {
namespace {

struct HaikuArguments {
  LocalRunOptions haiku;
  EngineOptions engine;
  std::string out = "haiku-results";
  std::string at;
  std::string recheck;
  bool serve = false;
  std::string url;
  std::string key_file;
  bool backend_named = false;
  bool json = false;

  bool http() const { return serve || !url.empty(); }
};

std::string rows_of(const Json& checks) {
  std::vector<std::vector<std::string>> rows{{"check", "expected", "found", "verdict"}};
  for (const Json& check : *checks.items()) {
    const bool pass = *check.find("pass")->boolean();
    const bool required = *check.find("required")->boolean();
    rows.push_back({*check.find("check")->string(), *check.find("expected")->string(),
                    harmless(*check.find("found")->string()),
                    pass       ? coloured(Colour::green, "pass")
                    : required ? coloured(Colour::red, "FAIL")
                               : coloured(Colour::yellow, "reported")});
  }
  return table(rows);
}

/// The last attempt's question and poem, and the verdict.
int show(const RunFiles& files, const Json& verification, const std::string& folder, bool json) {
  std::string prompt, poem;
  for (const Exchange& exchange : files.exchanges) {
    if (exchange.name != "haiku") continue;
    prompt = text_of(*exchange.request.find("body"), "prompt");
    poem = read_answer(exchange).text;
  }
  const std::string verdict = *verification.find("verdict")->string();
  const int exit = verdict == "pass" ? kPassed : verdict == "undecided" ? kUndecided : kFailed;
  if (json) {
    Json object = verification;
    object.set("folder", folder);
    object.set("text", poem);
    return print(true, "", object, exit);
  }
  const auto& attempts = *verification.find("attempts")->items();
  std::string checks =
      cat(rows_of(*verification.find("checks")), "\n", rows_of(*attempts.back().find("checks")));
  if (const size_t ties = verification.find("near_ties")->items()->size(); ties != 0)
    checks += cat("\n", ties, " ids differ within the margin: near_ties in verification.json\n");
  return print(
      false,
      cat(coloured(Colour::dim, prompt), "\n\n", harmless(poem), "\n\n", checks, "\n", verdict, ": engine ",
          *verification.find("engine")->string(), ", poem ", *verification.find("poem")->string(), ", ",
          attempts.size(), attempts.size() == 1 ? " attempt" : " attempts", "; files in ", folder, "\n"),
      Json(), exit);
}

/// The model that ships with kigo has to keep its promise of syllables, whatever a recording says about it.
Status check_model(const Json& environment) {
  const Fields model = Fields(environment, "environment.json").of("model");
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
  KIGO_ASSIGN(const RunFiles files, read_run(options.recheck));
  KIGO_TRY(verify_run(files, lexicon));  // before anything is written: the files may lack something
  KIGO_TRY(check_model(files.environment));
  KIGO_ASSIGN(const Json verification, verify_run_folder(options.recheck, lexicon));
  return show(files, verification, options.recheck, options.json);
}

/// Never on the command line, where others could read it.
Result<std::string> api_key(const HaikuArguments& options) {
  if (options.key_file.empty()) {
    const char* key = std::getenv("KIGO_API_KEY");
    return std::string(key == nullptr ? "" : key);
  }
  KIGO_ASSIGN(std::string key, read_text_file(options.key_file));
  while (key.ends_with('\n') || key.ends_with('\r')) key.pop_back();
  if (key.empty()) return fail(Code::invalid_request, "--api-key-file", "an empty file", "a key");
  return key;
}

/// Against a worker: one that runs, or this program as one.
Result<int> run_http(const HaikuArguments& options, const Lexicon& lexicon) {
  HttpRunOptions http;
  static_cast<Questions&>(http) = options.haiku;
  http.url = options.url;
  http.program = std::filesystem::canonical("/proc/self/exe").string();
  const std::string named = options.engine.backend == Device::cuda ? "cuda" : "cpu";
  http.backend = options.backend_named ? named : "auto";
  http.device = options.engine.device;
  KIGO_ASSIGN(http.key, api_key(options));
  if (!http.key.empty()) http.environment.emplace_back("KIGO_API_KEY", http.key);
  http.out = options.out;
  http.command = cat("kigo haiku ", options.serve ? "--serve" : cat("--url ", options.url), " --model ",
                     options.haiku.model_file, options.backend_named ? cat(" --backend ", named) : "");
  KIGO_ASSIGN(const auto truth, Truth::open(options.haiku.model_file));
  KIGO_ASSIGN(const HttpRun done, run_over_http(*truth, http, lexicon));
  KIGO_ASSIGN(const RunFiles files, read_run(done.folder));
  return show(files, done.verification, done.folder, options.json);
}

Result<int> run(HaikuArguments options) {
  KIGO_ASSIGN(const Lexicon lexicon, Lexicon::load(golden_folder() + "/haiku/lexicon.tsv"));
  if (!options.recheck.empty()) return recheck(options, lexicon);
  if (!options.at.empty()) {
    KIGO_ASSIGN(const Time at, parse_iso_time(options.at));
    options.haiku.clock = [at] { return at; };
  }
  if (options.http()) return run_http(options, lexicon);
  const std::string path = options.haiku.model_file;
  KIGO_ASSIGN(const model::Model model, model::open(path));
  KIGO_ASSIGN(const auto tokenizer, text::Tokenizer::from_gguf(model.source.file));
  options.haiku.model_sha256 = sha256(model.source.map.bytes());
  std::error_code ignored;
  options.haiku.shipped = std::filesystem::equivalent(path, shipped_model(), ignored);
  KIGO_ASSIGN(const auto engine, open_engine(model, options.engine));
  KIGO_ASSIGN(const RunFiles files, run_locally(model, *engine, tokenizer, options.haiku, lexicon));
  const Json& first = files.exchanges.front().request;
  KIGO_ASSIGN(const Time start, parse_iso_time(text_of(first, "sent_at")));
  const std::string folder = cat(options.out, "/", run_id(start, text_of(first, "nonce")));
  KIGO_TRY(write_run(files, folder));
  KIGO_ASSIGN(const Json verification, verify_run_folder(folder, lexicon));
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
  auto* serve = command->add_flag("--serve", options->serve,
                                  "Start kigo serve and ask it over HTTP; without --model the file that "
                                  "KIGO_MODEL names");
  command
      ->add_option("--url", options->url,
                   "The same with a worker that runs on the same model: http://host:port")
      ->check(not_empty())
      ->excludes(serve);
  command->add_option("--api-key-file", options->key_file, "Of the worker; else from KIGO_API_KEY")
      ->check(not_empty());
  add_engine_options(*command, options->engine);
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, command, &exit] {
    if (options->http()) {
      for (const char* option : {"--reference", "--kv", "--prefill", "--weights"})
        if (command->count(option) != 0)
          throw CLI::ExcludesError(option, options->serve ? "--serve" : "--url");
      const char* named = std::getenv("KIGO_MODEL");
      if (command->count("--model") == 0 && named != nullptr) options->haiku.model_file = named;
      options->backend_named = command->count("--backend") != 0;
    }
    const auto status = run(*options);
    const std::string& input = options->recheck.empty() ? options->haiku.model_file : options->recheck;
    exit = status ? *status : print_error(status.error(), input, options->json);
    if (!status && options->recheck.empty())
      std::fputs(how_to_get(options->haiku.model_file).c_str(), stderr);
  });
}

}  // namespace kigo::tools
