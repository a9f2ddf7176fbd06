// The checks of a haiku test over HTTP, docs/worker.md, section 7, each computed from the run's files.
#include <algorithm>
#include <functional>
#include <set>

#include "core/base/cat.h"
#include "tools/lib/haiku/run_files.h"
#include "tools/lib/haiku_check.h"
#include "tools/lib/iso_time.h"
#include "tools/lib/json_fields.h"

namespace kigo::tools {
namespace {

constexpr double kLimitMs = 30'000;  // of one request
constexpr size_t kNearTies = 2;      // in a run; more are undecided
constexpr std::string_view kRoute = "worker_requests_total{outcome=\"";

/// What the reference says about one exchange.
struct Judged {
  int64_t prompt_tokens = 0, ill_formed_bytes = 0;
  std::vector<int64_t> ids;  // chosen at every position; one more than the worker's
  std::vector<double> margins, errors;
  std::string decoded;
};

struct Read {
  const Exchange* exchange;
  Answer answer;
  Judged judged;
  const Json& request() const { return exchange->request; }
  const Json& body() const { return *exchange->request.find("body"); }
};

struct Run {
  const RunFiles* files;
  std::vector<Read> all;
  std::set<int64_t> end_ids;
  int64_t context = 0;
  bool shipped = false;
};

/// A list of what is wrong becomes a check: it passes when the list is empty.
Check check_of(std::string name, std::string expected, const std::vector<std::string>& wrong,
               std::string right = "so") {
  std::string found;
  for (size_t i = 0; i < std::min<size_t>(wrong.size(), 3); ++i) found += cat(i == 0 ? "" : "; ", wrong[i]);
  if (wrong.size() > 3) found += cat("; ", wrong.size() - 3, " more");
  return {std::move(name), std::move(expected), wrong.empty() ? std::move(right) : std::move(found),
          wrong.empty()};
}

std::string label(const Read& read) {
  return read.exchange->name == "haiku" ? cat("haiku ", read.exchange->attempt) : read.exchange->name;
}

const Read* find(const Run& run, std::string_view name) {
  const auto at =
      std::ranges::find_if(run.all, [&](const Read& read) { return read.exchange->name == name; });
  return at == run.all.end() ? nullptr : &*at;
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

Result<Run> read_all(const RunFiles& files) {
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
  KIGO_TRY(Fields(files.environment, "environment.json").of("model").get("shipped", run.shipped));
  for (size_t i = 0; i < judged->size(); ++i) {
    KIGO_TRY(check_request(files.exchanges[i]));
    KIGO_ASSIGN(Judged one, read_judged((*judged)[i], files.exchanges[i]));
    run.all.push_back({&files.exchanges[i], read_answer(files.exchanges[i]), std::move(one)});
  }
  return run;
}

/// Ids against the reference's, and where it would have ended. Near ties are noted, all else is wrong.
void compare(const Run& run, const Read& read, std::vector<std::string>& wrong, Json& near_ties) {
  const auto& ids = read.answer.ids;
  const Judged& judged = read.judged;
  const std::string who = label(read);
  const auto differs = [&](size_t at, int64_t got) {
    if (judged.margins[at] < 2 * judged.errors[at]) {
      near_ties.push(Json::object({{"exchange", who},
                                   {"position", static_cast<uint64_t>(at)},
                                   {"got", got},
                                   {"reference", judged.ids[at]},
                                   {"margin", judged.margins[at]},
                                   {"error", judged.errors[at]}}));
    } else {
      wrong.push_back(cat(who, ", id ", at, ": ", got, " against ", judged.ids[at]));
    }
  };
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i >= judged.ids.size()) {
      wrong.push_back(cat(who, ": the reference has no id ", i));
      return;
    }
    if (ids[i] != judged.ids[i]) differs(i, ids[i]);
  }
  const Json* flag = read.body().find("ignore_eos");
  const bool ignores = flag != nullptr && flag->boolean() != nullptr && *flag->boolean();
  if (!ignores && std::ranges::any_of(ids, [&](int64_t id) { return run.end_ids.contains(id); }))
    wrong.push_back(cat(who, ": goes on behind an end token"));
  const auto count = static_cast<int64_t>(ids.size());
  const int64_t wanted = integer_of(read.body(), "max_tokens");
  const int64_t fitting = std::min(wanted, run.context - judged.prompt_tokens + 1);
  const std::string reason = text_of(read.answer.end, "stop_reason");
  if (reason == "EOS" && !ignores && count < fitting && ids.size() < judged.ids.size()) {
    if (!run.end_ids.contains(judged.ids[ids.size()])) differs(ids.size(), *run.end_ids.begin());
  } else if (reason != (fitting < wanted ? "CONTEXT_FULL" : "MAX_TOKENS") || count != fitting) {
    wrong.push_back(
        cat(who, ": stop reason ", reason.empty() ? "none" : reason, " after ", count, " of ", fitting));
  }
}

Check check_stream(const Run& run) {
  std::vector<std::string> wrong;
  for (const Read& read : run.all)
    for (const std::string& problem : read.answer.problems) wrong.push_back(cat(label(read), ": ", problem));
  size_t haikus = 0;
  while (haikus < run.all.size() && run.all[haikus].exchange->name == "haiku") ++haikus;
  if (haikus == 0) wrong.emplace_back("no haiku was asked for");
  for (size_t i = 0; i < std::size(kChallenges); ++i)
    if (haikus + i >= run.all.size() || run.all[haikus + i].exchange->name != kChallenges[i])
      wrong.push_back(cat("no exchange ", kChallenges[i]));
  return check_of("stream", cat("events of section 3, in ", haikus + std::size(kChallenges), " exchanges"),
                  wrong, "so");
}

/// What was asked is what the test asks.
Check check_prompt(const Run& run) {
  std::vector<std::string> wrong;
  for (const Read& read : run.all) {
    const Json& asked = read.request();
    if (read.exchange->name != "haiku") continue;
    if (text_of(read.body(), "prompt") !=
        haiku_prompt(text_of(asked, "topic"), text_of(asked, "word"), text_of(asked, "nonce")))
      wrong.push_back(cat(label(read), ": another prompt"));
  }
  std::set<std::string> prompts;
  for (const char* name : {"greedy", "sampled 1", "sampled 2"}) {
    const Read* read = find(run, name);
    const Json* tokens = read == nullptr ? nullptr : read->body().find("prompt_tokens");
    const size_t count = tokens == nullptr || tokens->items() == nullptr ? 0 : tokens->items()->size();
    if (count < 16 || count > 48) wrong.push_back(cat(name, ": ", count, " prompt ids"));
    if (count != 0 && !prompts.insert(tokens->dump()).second)
      wrong.push_back(cat(name, ": the prompt of another"));
  }
  return check_of("prompt", "haikus with their word and nonce, challenges of 16..48 ids of their own", wrong);
}

Check check_minute(const Run& run) {
  std::vector<std::string> wrong;
  std::string words;
  for (const Read& read : run.all) {
    if (read.exchange->name != "haiku") continue;
    const auto at = parse_iso_time(text_of(read.request(), "sent_at"));
    const std::string word = text_of(read.request(), "word");
    words += cat(words.empty() ? "" : ", ", word);
    if (!at || minute_word(*at) != word)
      wrong.push_back(cat(label(read), ": \"", word, "\" at ", escaped(text_of(read.request(), "sent_at"))));
  }
  return check_of("minute", "the UTC minute of each question in words", wrong, words);
}

Check check_ids(const Run& run, Json& near_ties) {
  std::vector<std::string> wrong;
  size_t count = 0;
  for (const Read& read : run.all) {
    if (read.exchange->name != "haiku") continue;
    compare(run, read, wrong, near_ties);
    count += read.answer.ids.size();
  }
  return check_of("ids", "the reference's, and its end", wrong, cat(count, " equal"));
}

Check check_challenge(const Run& run, Json& near_ties) {
  std::vector<std::string> wrong;
  size_t count = 0;
  for (const char* name : {"greedy", "sampled 1", "sampled 2"}) {
    const Read* read = find(run, name);
    if (read == nullptr) {
      wrong.push_back(cat(name, ": not asked"));
      continue;
    }
    compare(run, *read, wrong, near_ties);
    count += read->answer.ids.size();
  }
  return check_of("challenge", "the reference's ids, greedy and drawn", wrong, cat(count, " equal"));
}

Check check_text(const Run& run) {
  std::vector<std::string> wrong;
  for (const Read& read : run.all)
    if (read.answer.text != read.judged.decoded) wrong.push_back(cat(label(read), ": another text"));
  return check_of("text", "the ids decoded at once", wrong, "equal");
}

Check check_utf8(const Run& run) {
  std::vector<std::string> wrong;
  for (const Read& read : run.all) {
    const int64_t counted = integer_of(read.answer.end, "invalid_utf8_bytes");
    if (counted != read.judged.ill_formed_bytes)
      wrong.push_back(cat(label(read), ": invalid_utf8_bytes ", counted, ", the ids have ",
                          read.judged.ill_formed_bytes));
    if (read.exchange->name != "haiku") continue;  // a challenge's ids need not be text
    if (read.judged.ill_formed_bytes != 0) wrong.push_back(cat(label(read), ": ill-formed bytes"));
    if (read.answer.text.find("\uFFFD") != std::string::npos) wrong.push_back(cat(label(read), ": U+FFFD"));
  }
  return check_of("utf8", "no ill-formed bytes in a haiku, and all others counted", wrong);
}

Check check_identity(const Run& run) {
  std::vector<std::string> wrong;
  for (const Read& read : run.all) {
    const std::string who = label(read);
    const auto same = [&](const char* what, const std::string& found, const std::string& wanted) {
      if (found != wanted)
        wrong.push_back(
            cat(who, ", ", what, ": ", found.empty() ? "none" : escaped(found), ", sent ", wanted));
    };
    const auto member = [](const Json& object, std::string_view key) {
      const Json* value = object.find(key);
      return value == nullptr ? std::string() : value->string() != nullptr ? *value->string() : value->dump();
    };
    const std::string correlation = text_of(read.request(), "correlation_id");
    const Answer& answer = read.answer;
    same("X-Correlation-ID", text_of(read.exchange->reply, "correlation_id"), correlation);
    same("correlation_id", member(answer.started, "correlation_id"), correlation);
    same("job_id", member(answer.started, "job_id"), text_of(read.request(), "job_id"));
    for (const Json* event : {&answer.started, &answer.end}) {
      same("seed", member(*event, "seed"), member(read.body(), "seed"));
      same("prompt_tokens", member(*event, "prompt_tokens"), cat(read.judged.prompt_tokens));
    }
  }
  return check_of("identity", "job id, correlation id, seed and prompt_tokens as sent", wrong);
}

Check check_repeat(const Run& run) {
  std::vector<std::string> wrong;
  const Read* first = find(run, "greedy");
  const Read* again = find(run, "repeat");
  if (first == nullptr || again == nullptr) {
    wrong.emplace_back("not asked");
  } else {
    for (const char* key : {"prompt_tokens", "temperature", "seed", "max_tokens", "ignore_eos"}) {
      const Json *a = first->body().find(key), *b = again->body().find(key);
      if (a == nullptr || b == nullptr || *a != *b) wrong.push_back(cat("another ", key, " was sent"));
    }
    if (first->answer.ids != again->answer.ids || again->answer.ids.empty()) wrong.emplace_back("other ids");
  }
  return check_of("repeat", "the first challenge's ids again", wrong, "the same");
}

Check check_metrics(const Run& run) {
  std::vector<std::string> wrong;
  double tokens = 0, prompts = 0, requests = 0;
  for (const Read& read : run.all) {
    tokens += static_cast<double>(read.answer.ids.size());
    prompts += static_cast<double>(std::max<int64_t>(integer_of(read.answer.started, "prompt_tokens"), 0));
    requests += 1;
  }
  const auto sample = [&](const char* when, std::string_view name) {
    const Json* all = run.files->metrics.find(when);
    const Json* value = all == nullptr ? nullptr : all->find(name);
    return value == nullptr ? 0.0 : value->number().value_or(0);
  };
  const auto rose_by = [&](const std::string& name, double wanted) {
    const double rise = sample("after", name) - sample("before", name);
    const double noted = sample("deltas", name);
    if (rise != wanted || noted != wanted)
      wrong.push_back(cat(name, " by ", rise, ", the transcript has ", wanted));
  };
  rose_by("worker_tokens_generated_total", tokens);
  rose_by("worker_prompt_tokens_total", prompts);
  for (const char* outcome : {"ok", "cancelled", "timeout", "refused", "client_gone", "error"})
    rose_by(cat(kRoute, outcome, "\",route=\"/execute\"}"), outcome == std::string_view("ok") ? requests : 0);
  return check_of("metrics", cat("tokens +", tokens, ", prompt tokens +", prompts, ", requests +", requests),
                  wrong);
}

Check check_health(const Run& run) {
  std::vector<std::string> wrong;
  const Json& environment = run.files->environment;
  const Json* health = run.files->metrics.find("health");
  const std::string backend = text_of(environment, "backend");
  const Json& model = *environment.find("model");
  for (const char* when : {"before", "after"}) {
    const Json* state = health == nullptr ? nullptr : health->find(when);
    if (state == nullptr) {
      wrong.push_back(cat(when, ": none"));
      continue;
    }
    const auto expect = [&](const char* key, const std::string& found, const std::string& wanted) {
      if (found != wanted) wrong.push_back(cat(when, ", ", key, ": ", escaped(found), ", expected ", wanted));
    };
    expect("status", text_of(*state, "status"), "healthy");
    expect("backend", text_of(*state, "backend"), backend);
    expect("architecture", text_of(*state, "architecture"), text_of(model, "architecture"));
    expect("vocab_size", cat(integer_of(*state, "vocab_size")), cat(integer_of(model, "vocab")));
    const Json* resident = state->find("resident");
    expect("resident", resident == nullptr ? "none" : resident->dump(), "true");
    const Json* device = state->find("device");
    const auto number = device == nullptr ? std::nullopt : device->integer();
    if (!number || (*number >= 0) != (backend == "cuda"))
      wrong.push_back(cat(when, ", device: ", number ? cat(*number) : "none", " on ", backend));
  }
  return check_of("health",
                  cat("healthy on ", backend, ", ", text_of(model, "architecture"), " with ",
                      integer_of(model, "vocab"), " tokens, resident"),
                  wrong);
}

Check check_time(const Run& run) {
  std::vector<std::string> wrong;
  double longest = 0;
  for (const Read& read : run.all) {
    const double took = read.exchange->closed_ms - read.exchange->sent_ms;
    longest = std::max(longest, took);
    if (took > kLimitMs) wrong.push_back(cat(label(read), ": ", static_cast<int64_t>(took), " ms"));
  }
  Check check =
      check_of("time", "30 s a request", wrong, cat("at most ", static_cast<int64_t>(longest), " ms"));
  check.required = run.shipped || text_of(run.files->environment, "backend") != "cpu";
  return check;
}

/// A worker that the test started ends by itself when it is asked to.
std::vector<Check> check_exit(const Run& run) {
  const Json* worker = run.files->environment.find("worker");
  const Json* exit = worker == nullptr ? nullptr : worker->find("exit");
  if (exit == nullptr) return {};
  return {{"exit", "0", exit->dump(), exit->integer() == 0}};
}

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

}  // namespace

Result<Json> verify_run(const RunFiles& files, const Lexicon& lexicon) {
  KIGO_ASSIGN(const Run run, read_all(files));
  Json near_ties = Json::array();
  std::vector<Check> checks{
      check_minute(run), check_prompt(run),  check_stream(run),   check_ids(run, near_ties),
      check_text(run),   check_utf8(run),    check_identity(run), check_challenge(run, near_ties),
      check_repeat(run), check_metrics(run), check_health(run),   check_time(run)};
  for (Check& check : check_exit(run)) checks.push_back(std::move(check));
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
