#include "tools/lib/haiku_check.h"

#include <algorithm>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "tools/lib/iso_time.h"
#include "tools/lib/json_fields.h"

namespace kigo::tools {
namespace {

/// The members of one attempt that the checks read.
struct Attempt {
  std::string word, nonce, prompt, text, decoded, stop_reason, word_at_end;
  Time started_at, ended_at;
  std::vector<int64_t> ids;            // as generated step by step
  std::vector<int64_t> reference_ids;  // chosen by one pass; one more than ids
  int64_t end_id = -1;                 // the end token that stopped the answer, or -1
  int64_t invalid_utf8_bytes = 0;
};

Status get_time(const Fields& fields, std::string_view key, Time& out) {
  std::string text;
  KIGO_TRY(fields.get(key, text));
  auto time = parse_iso_time(text);
  if (!time) {
    time.error().subject = cat("transcript.json, ", key);
    return tl::unexpected<Error>(std::move(time.error()));
  }
  out = *time;
  return {};
}

Result<Attempt> read_attempt(const Json& transcript_json, const Json& reference_json) {
  const Fields transcript(transcript_json, "transcript.json");
  const Fields reference(reference_json, "reference.json");
  Attempt attempt;
  KIGO_TRY(transcript.get("word", attempt.word));
  KIGO_TRY(transcript.get("nonce", attempt.nonce));
  KIGO_TRY(transcript.get("prompt", attempt.prompt));
  KIGO_TRY(transcript.get("text", attempt.text));
  KIGO_TRY(transcript.get("stop_reason", attempt.stop_reason));
  KIGO_TRY(transcript.get("word_at_end", attempt.word_at_end));
  KIGO_TRY(get_time(transcript, "started_at", attempt.started_at));
  KIGO_TRY(get_time(transcript, "ended_at", attempt.ended_at));
  KIGO_TRY(transcript.get("ids", attempt.ids));
  KIGO_TRY(transcript.get("end_id", attempt.end_id));
  KIGO_TRY(transcript.get("invalid_utf8_bytes", attempt.invalid_utf8_bytes));
  KIGO_TRY(reference.get("ids", attempt.reference_ids));
  KIGO_TRY(reference.get("decoded", attempt.decoded));
  return attempt;
}

/// Greedy ids of the two ways through the model: each generated id, and the end token if there was one.
Check check_ids(const Attempt& attempt) {
  std::vector<int64_t> generated = attempt.ids;
  if (attempt.end_id >= 0) generated.push_back(attempt.end_id);
  const auto& chosen = attempt.reference_ids;
  Check check{"ids", cat(generated.size(), " ids equal to one pass through prefill"), "", false};
  if (generated.empty() || chosen.size() < generated.size()) {
    check.found = cat(generated.size(), " generated, ", chosen.size(), " chosen by prefill");
    return check;
  }
  const auto differs = std::ranges::mismatch(generated, chosen).in1;
  check.pass = differs == generated.end();
  const auto at = static_cast<size_t>(differs - generated.begin());
  check.found = check.pass ? "all equal" : cat("id ", at, ": ", generated[at], " against ", chosen[at]);
  return check;
}

std::vector<Check> engine_checks(const Attempt& attempt) {
  const std::string asked = cat("\"", attempt.word, "\" (nonce: ", attempt.nonce, ")");
  const std::string start = minute_word(attempt.started_at), end = minute_word(attempt.ended_at);
  const bool same_minutes = attempt.word == start && attempt.word_at_end == end;
  const bool has_word = attempt.prompt.find(asked) != std::string::npos;
  const bool same_text = attempt.text == attempt.decoded;
  return {
      {"minute", cat("\"", start, "\" at the start, \"", end, "\" at the end"),
       cat("\"", attempt.word, "\", \"", attempt.word_at_end, "\""), same_minutes},
      {"prompt", cat("holds ", asked), has_word ? "held" : "not held", has_word},
      check_ids(attempt),
      {"text", "the ids decoded at once", same_text ? "equal" : "different", same_text},
      {"utf8", "0 ill-formed bytes", cat(attempt.invalid_utf8_bytes), attempt.invalid_utf8_bytes == 0},
  };
}

std::string text_of(const Json& json, std::string_view key) {
  const Json* member = json.find(key);
  if (member == nullptr) return "-";
  return member->string() != nullptr ? *member->string() : member->dump();
}

}  // namespace

bool all_required_pass(const std::vector<Check>& checks) {
  return std::ranges::all_of(checks, [](const Check& check) { return check.pass || !check.required; });
}

Json checks_json(const std::vector<Check>& checks) {
  Json list = Json::array();
  for (const Check& check : checks) list.push(check.json());
  return list;
}

std::string check_table(const Json& checks) {
  std::string out = "| check | expected | found | verdict |\n|---|---|---|---|\n";
  for (const Json& check : *checks.items()) {
    const bool pass = text_of(check, "pass") == "true";
    const bool required = text_of(check, "required") == "true";
    out += cat("| ", text_of(check, "check"), " | ", text_of(check, "expected"), " | ",
               text_of(check, "found"), " | ",
               pass       ? "pass"
               : required ? "FAIL"
                          : "reported",
               " |\n");
  }
  return out;
}

Result<Json> verify_haiku(const HaikuFiles& files, const Lexicon& lexicon) {
  KIGO_ASSIGN(const auto* transcripts, Fields(files.transcript, "transcript.json").items("attempts"));
  KIGO_ASSIGN(const auto* references, Fields(files.reference, "reference.json").items("attempts"));
  if (transcripts->size() != references->size()) {
    return fail(Code::bad_value, "reference.json, attempts", cat(references->size()),
                cat(transcripts->size()));
  }
  bool shipped = false;
  KIGO_TRY(Fields(files.environment, "environment.json").of("model").get("shipped", shipped));

  Json attempts = Json::array();
  bool engine = true;
  bool poem = false;
  bool decided = false;
  for (size_t i = 0; i < transcripts->size(); ++i) {
    KIGO_ASSIGN(const Attempt attempt, read_attempt((*transcripts)[i], (*references)[i]));
    const auto of_engine = engine_checks(attempt);
    auto of_poem = check_poem(attempt.text, attempt.word, attempt.nonce, lexicon, shipped);
    of_poem.push_back({"ended", "EOS", attempt.stop_reason, attempt.stop_reason == "EOS"});
    engine = engine && all_required_pass(of_engine);
    poem = all_required_pass(of_poem);
    decided = attempt.word_at_end == attempt.word;
    std::vector<Check> checks = of_engine;
    checks.insert(checks.end(), of_poem.begin(), of_poem.end());
    attempts.push(Json::object({{"checks", checks_json(checks)},
                                {"engine", all_required_pass(of_engine) ? "pass" : "fail"},
                                {"poem", poem ? "pass" : "fail"},
                                {"same_minute_at_end", decided}}));
  }
  const char* verdict = !engine ? "fail" : !decided ? "undecided" : poem ? "pass" : "fail";
  return Json::object({{"attempts", std::move(attempts)},
                       {"engine", engine ? "pass" : "fail"},
                       {"poem", poem ? "pass" : "fail"},
                       {"verdict", verdict}});
}

std::string haiku_report(const HaikuFiles& files, const Json& verification) {
  std::string out = cat("# Haiku test: ", text_of(verification, "verdict"), "\n\n");
  const Json* model = files.environment.find("model");
  if (model != nullptr) {
    out += cat("Model `", text_of(*model, "file"), "`, sha256 `", text_of(*model, "sha256"), "`.\n");
  }
  out += cat("kigo ", text_of(files.environment, "version"), ", backend ",
             text_of(files.environment, "backend"), ", ", text_of(files.environment, "device"), ".\n");
  const auto transcripts = Fields(files.transcript, "transcript.json").items("attempts");
  const auto verdicts = Fields(verification, "verification.json").items("attempts");
  for (size_t i = 0; transcripts && verdicts && i < (*verdicts)->size(); ++i) {
    const Json& transcript = (**transcripts)[i];
    out += cat("\n## Attempt ", i + 1, "\n\n", text_of(transcript, "prompt"), "\n\n```\n",
               text_of(transcript, "text"), "\n```\n\n", check_table(*(**verdicts)[i].find("checks")));
  }
  return out + cat("\nEngine: ", text_of(verification, "engine"), ". Poem: ", text_of(verification, "poem"),
                   ". Verdict: ", text_of(verification, "verdict"), ".\n");
}

Result<HaikuFiles> read_haiku_files(const std::string& folder) {
  HaikuFiles files;
  for (const auto& [name, json] : {std::pair<const char*, Json*>{"transcript.json", &files.transcript},
                                   {"reference.json", &files.reference},
                                   {"environment.json", &files.environment}}) {
    const std::string path = cat(folder, "/", name);
    KIGO_ASSIGN(const std::string text, read_text_file(path));
    KIGO_ASSIGN(*json, Json::parse(text, path));
  }
  return files;
}

}  // namespace kigo::tools
