// The verdict: the files read, every check, the poems.
#include "tools/lib/haiku/checks.h"

#include <algorithm>

#include "core/base/cat.h"
#include "tools/lib/iso_time.h"
#include "tools/lib/json_fields.h"

namespace kigo::tools {
namespace {

constexpr size_t kNearTies = 2;  // in a run; more are undecided

struct Attempts {
  Json json = Json::array();
  bool poem = false;
  bool same_minute = false;
};

/// The poems, each with its checks; the last one counts.
Attempts read_attempts(const Run& run, const Lexicon& lexicon) {
  Attempts attempts;
  for (const Read& read : run.all) {
    if (read.exchange->name != "haiku") continue;
    const std::string word = text_of(read.request(), "word");
    const std::string reason = text_of(read.answer.end, "stop_reason");
    auto checks = check_poem(read.answer.text, word, text_of(read.request(), "nonce"), lexicon, run.shipped);
    checks.push_back({"ended", "EOS", reason.empty() ? "no end" : reason, reason == "EOS"});
    const auto at = parse_iso_time(text_of(read.exchange->closed, "at"));
    attempts.poem = all_required_pass(checks);
    attempts.same_minute = at && minute_word(*at) == word;
    attempts.json.push(Json::object({{"attempt", read.exchange->attempt},
                                     {"checks", checks_json(checks)},
                                     {"poem", attempts.poem ? "pass" : "fail"},
                                     {"same_minute_at_end", attempts.same_minute}}));
  }
  return attempts;
}

Result<Judged> read_judged(const Json& json, const Exchange& exchange) {
  const Fields fields(json, "reference.json");
  Judged judged;
  std::string name;
  int64_t attempt = 0;
  KIGO_TRY(fields.get("exchange", name));
  KIGO_TRY(fields.get("attempt", attempt));
  if (name != exchange.name || attempt != exchange.attempt)
    return fail(Code::bad_value, "reference.json, exchange", cat(name, " ", attempt),
                cat(exchange.name, " ", exchange.attempt));
  KIGO_TRY(fields.get("prompt_tokens", judged.prompt_tokens));
  KIGO_TRY(fields.get("ids", judged.ids));
  KIGO_TRY(fields.get("margins", judged.margins));
  KIGO_TRY(fields.get("errors", judged.errors));
  const Json* differing = json.find("differing");
  if (differing == nullptr || differing->items() == nullptr)
    return fail(Code::bad_value, "reference.json, differing", "missing or of another type", "an array");
  for (const Json& each : *differing->items()) {
    const Fields entry(each, "reference.json, differing");
    int64_t position = 0, id = 0;
    double deficit = 0;
    KIGO_TRY(entry.get("position", position));
    KIGO_TRY(entry.get("id", id));
    KIGO_TRY(entry.get("deficit", deficit));
    judged.differing[position] = {id, deficit};
  }
  KIGO_TRY(fields.get("decoded", judged.decoded));
  KIGO_TRY(fields.get("ill_formed_bytes", judged.ill_formed_bytes));
  if (judged.margins.size() != judged.ids.size() || judged.errors.size() != judged.ids.size())
    return fail(Code::bad_value, "reference.json, margins and errors", "another number", "one for each id");
  return judged;
}

Status check_request(const Exchange& exchange) {
  const Fields fields(exchange.request, "sse_transcript.ndjson, request");
  std::string ignored;
  for (const char* key : {"job_id", "correlation_id", "sent_at"}) KIGO_TRY(fields.get(key, ignored));
  for (const char* key : {"topic", "word", "nonce"})
    if (exchange.name == "haiku") KIGO_TRY(fields.get(key, ignored));
  const Json* body = exchange.request.find("body");
  if (body == nullptr || !body->is_object())
    return fail(Code::bad_value, "sse_transcript.ndjson, request, body", "missing", "an object");
  return {};
}

}  // namespace

Result<Run> read_checked(const RunFiles& files) {
  Run run{&files, {}, {}};
  const Fields reference(files.reference, "reference.json");
  KIGO_ASSIGN(const auto* judged, reference.items("exchanges"));
  if (judged->size() != files.exchanges.size())
    return fail(Code::bad_value, "reference.json, exchanges", cat(judged->size()),
                cat(files.exchanges.size()));
  std::vector<int64_t> ends;
  KIGO_TRY(reference.get("end_ids", ends));
  KIGO_TRY(reference.get("context", run.context));
  run.end_ids = {ends.begin(), ends.end()};
  const Fields environment(files.environment, "environment.json");
  std::string mode;
  KIGO_TRY(environment.get("mode", mode));
  if (mode != "http" && mode != "process")
    return fail(Code::bad_value, "environment.json, mode", escaped(mode), "http or process");
  KIGO_TRY(environment.of("model").get("shipped", run.shipped));
  for (size_t i = 0; i < judged->size(); ++i) {
    KIGO_TRY(check_request(files.exchanges[i]));
    KIGO_ASSIGN(Judged one, read_judged((*judged)[i], files.exchanges[i]));
    run.all.push_back({&files.exchanges[i], read_answer(files.exchanges[i]), std::move(one)});
  }
  return run;
}

std::string label(const Read& read) {
  return read.exchange->name == "haiku" ? cat("haiku ", read.exchange->attempt) : read.exchange->name;
}

const Read* find(const Run& run, std::string_view name) {
  const auto at =
      std::ranges::find_if(run.all, [&](const Read& read) { return read.exchange->name == name; });
  return at == run.all.end() ? nullptr : &*at;
}

Check check_of(std::string name, std::string expected, const std::vector<std::string>& wrong,
               std::string right) {
  std::string found;
  for (size_t i = 0; i < std::min<size_t>(wrong.size(), 3); ++i) found += cat(i == 0 ? "" : "; ", wrong[i]);
  if (wrong.size() > 3) found += cat("; ", wrong.size() - 3, " more");
  return {std::move(name), std::move(expected), wrong.empty() ? std::move(right) : std::move(found),
          wrong.empty()};
}

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
    const bool pass = *check.find("pass")->boolean();
    const bool required = *check.find("required")->boolean();
    out += cat("| ", text_of(check, "check"), " | ", text_of(check, "expected"), " | ",
               text_of(check, "found"), " | ",
               pass       ? "pass"
               : required ? "FAIL"
                          : "reported",
               " |\n");
  }
  return out;
}

Result<Json> verify_run(const RunFiles& files, const Lexicon& lexicon) {
  KIGO_ASSIGN(const Run run, read_checked(files));
  Json near_ties = Json::array();
  std::vector<Check> checks{check_minute(run),         check_prompt(run), check_stream(run),
                            check_ids(run, near_ties), check_text(run),   check_utf8(run),
                            check_identity(run)};
  if (over_http(files)) {
    for (Check& check : std::vector<Check>{check_challenge(run, near_ties), check_repeat(run),
                                           check_metrics(run), check_health(run), check_time(run)})
      checks.push_back(std::move(check));
    for (Check& check : check_exit(run)) checks.push_back(std::move(check));
  }
  const bool engine = all_required_pass(checks);
  Attempts attempts = read_attempts(run, lexicon);
  const bool decided = attempts.same_minute && near_ties.items()->size() <= kNearTies;
  const char* verdict = !engine ? "fail" : !decided ? "undecided" : attempts.poem ? "pass" : "fail";
  return Json::object({{"checks", checks_json(checks)},
                       {"attempts", std::move(attempts.json)},
                       {"near_ties", std::move(near_ties)},
                       {"engine", engine ? "pass" : "fail"},
                       {"poem", attempts.poem ? "pass" : "fail"},
                       {"verdict", verdict}});
}

}  // namespace kigo::tools
