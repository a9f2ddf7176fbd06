// What a worker answered, against what was asked and what the reference says.
#include <algorithm>

#include "core/base/cat.h"
#include "tools/lib/haiku/checks.h"
#include "tools/lib/iso_time.h"

namespace kigo::tools {
namespace {

/// Ids against the reference's, and where it would have ended. Near ties are noted, all else is wrong.
void compare(const Run& run, const Read& read, std::vector<std::string>& wrong, Json& near_ties) {
  const auto& ids = read.answer.ids;
  const Judged& judged = read.judged;
  const std::string who = label(read);
  const auto differs = [&](size_t at, int64_t got) {
    const auto entry = judged.differing.find(static_cast<int64_t>(at));
    const bool known = entry != judged.differing.end() && entry->second.first == got;
    if (known && judged.margins[at] < 2 * judged.errors[at] && entry->second.second <= judged.errors[at]) {
      near_ties.push(Json::object({{"exchange", who},
                                   {"position", static_cast<uint64_t>(at)},
                                   {"got", got},
                                   {"reference", judged.ids[at]},
                                   {"deficit", entry->second.second},
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
    const auto entry = judged.differing.find(count);  // which end token it was nobody says
    const bool named = entry != judged.differing.end() && run.end_ids.contains(entry->second.first);
    if (!run.end_ids.contains(judged.ids[ids.size()])) differs(ids.size(), named ? entry->second.first : -1);
  } else if (reason != (fitting < wanted ? "CONTEXT_FULL" : "MAX_TOKENS") || count != fitting) {
    wrong.push_back(
        cat(who, ": stop reason ", reason.empty() ? "none" : reason, " after ", count, " of ", fitting));
  }
}

}  // namespace

Check check_stream(const Run& run) {
  const bool http = over_http(*run.files);
  std::vector<std::string> wrong;
  for (const Read& read : run.all) {
    std::vector<std::string> problems = read.answer.problems;
    if (http)
      problems.insert(problems.begin(), read.answer.head_problems.begin(), read.answer.head_problems.end());
    for (const std::string& problem : problems) wrong.push_back(cat(label(read), ": ", problem));
  }
  size_t haikus = 0;
  while (haikus < run.all.size() && run.all[haikus].exchange->name == "haiku") ++haikus;
  if (haikus == 0) wrong.emplace_back("no haiku was asked for");
  const size_t challenges = http ? std::size(kChallenges) : 0;
  for (size_t i = 0; i < challenges; ++i)
    if (haikus + i >= run.all.size() || run.all[haikus + i].exchange->name != kChallenges[i])
      wrong.push_back(cat("no exchange ", kChallenges[i]));
  return check_of("stream", cat("events of section 3; exchanges: ", haikus + challenges), wrong);
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
  const bool http = over_http(*run.files);
  std::set<std::string> prompts;
  for (const char* name : {"greedy", "sampled 1", "sampled 2"}) {
    if (!http) break;
    const Read* read = find(run, name);
    const Json* tokens = read == nullptr ? nullptr : read->body().find("prompt_tokens");
    const size_t count = tokens == nullptr || tokens->items() == nullptr ? 0 : tokens->items()->size();
    if (count < 16 || count > 48) wrong.push_back(cat(name, ": ", count, " prompt ids"));
    if (count != 0 && !prompts.insert(tokens->dump()).second)
      wrong.push_back(cat(name, ": the prompt of another"));
  }
  return check_of("prompt", cat("with word and nonce", http ? ", challenges of 16..48 ids of their own" : ""),
                  wrong);
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
    if (over_http(*run.files))
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

}  // namespace kigo::tools
