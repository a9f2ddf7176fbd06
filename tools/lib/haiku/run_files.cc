#include "tools/lib/haiku/run_files.h"

#include <filesystem>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "tools/lib/haiku/checks.h"

namespace kigo::tools {
namespace {

std::string transcript_path(const std::string& folder) { return cat(folder, "/sse_transcript.ndjson"); }

struct JsonFile {
  const char* name;
  Json RunFiles::*member;
};
// The environment says which of the others there are.
constexpr JsonFile kJsonFiles[] = {{"environment.json", &RunFiles::environment},
                                   {"reference.json", &RunFiles::reference},
                                   {"metrics_snapshot.json", &RunFiles::metrics}};

bool belongs(const JsonFile& file, const RunFiles& files) {
  return file.member != &RunFiles::metrics || over_http(files);
}

}  // namespace

std::string haiku_prompt(const std::string& topic, const std::string& word, const std::string& nonce) {
  return cat("Write a haiku about ", topic, " that includes the word \"", word, "\" (nonce: ", nonce, ")");
}

bool over_http(const RunFiles& files) { return text_of(files.environment, "mode") == "http"; }

Status write_run(const RunFiles& files, const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(Code::io, folder, cat("cannot create: ", error.message()));
  KIGO_TRY(write_file(transcript_path(folder), transcript_lines(files.exchanges)));
  for (const JsonFile& file : kJsonFiles)
    if (belongs(file, files))
      KIGO_TRY(write_file(cat(folder, "/", file.name), cat((files.*file.member).dump(1), "\n")));
  return {};
}

Result<RunFiles> read_run(const std::string& folder) {
  RunFiles files;
  KIGO_ASSIGN(const std::string lines, read_text_file(transcript_path(folder)));
  KIGO_ASSIGN(files.exchanges, read_transcript(lines));
  for (const JsonFile& file : kJsonFiles) {
    if (!belongs(file, files)) continue;
    const std::string path = cat(folder, "/", file.name);
    KIGO_ASSIGN(const std::string text, read_text_file(path));
    KIGO_ASSIGN(files.*file.member, Json::parse(text, path));
  }
  return files;
}

Result<Json> verify_run_folder(const std::string& folder, const Lexicon& lexicon) {
  KIGO_ASSIGN(const RunFiles files, read_run(folder));
  KIGO_ASSIGN(Json verification, verify_run(files, lexicon));
  KIGO_TRY(write_file(cat(folder, "/verification.json"), cat(verification.dump(1), "\n")));
  KIGO_TRY(write_file(cat(folder, "/test_report.md"), run_report(files, verification)));
  return verification;
}

std::string run_report(const RunFiles& files, const Json& verification) {
  std::string out = cat("# Haiku test: ", text_of(verification, "verdict"), "\n\n");
  const Json* model = files.environment.find("model");
  if (model != nullptr)
    out += cat("Model `", text_of(*model, "file"), "`, sha256 `", text_of(*model, "sha256"), "`.\n");
  out += cat("kigo ", text_of(files.environment, "version"), ", backend ",
             text_of(files.environment, "backend"), ", ", text_of(files.environment, "device"),
             ".\n\n## Engine\n\n", check_table(*verification.find("checks")));
  const auto& attempts = *verification.find("attempts")->items();
  for (const Exchange& exchange : files.exchanges) {
    if (exchange.name != "haiku") continue;
    out += cat("\n## Attempt ", std::to_string(exchange.attempt), "\n\n",
               text_of(*exchange.request.find("body"), "prompt"), "\n\n```\n", read_answer(exchange).text,
               "\n```\n\n");
    const auto at = static_cast<size_t>(exchange.attempt - 1);
    if (at < attempts.size()) out += check_table(*attempts[at].find("checks"));
  }
  for (const Json& tie : *verification.find("near_ties")->items())
    out += cat("\nNear tie: ", tie.dump(), "\n");
  return out + cat("\nEngine: ", text_of(verification, "engine"), ". Poem: ", text_of(verification, "poem"),
                   ". Attempts: ", attempts.size(), ". Verdict: ", text_of(verification, "verdict"), ".\n");
}

}  // namespace kigo::tools
