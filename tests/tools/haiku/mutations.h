// For every check of the haiku test over HTTP a change of a passing run's files that it rejects, and it alone
// where that is possible.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "core/base/cat.h"
#include "tools/lib/haiku/run_files.h"

namespace kigo::tools {

struct Mutation {
  std::string name;
  std::function<void(RunFiles&)> apply;
  std::string failures;  // the checks that reject it, and the verdict
  friend std::ostream& operator<<(std::ostream& out, const Mutation& mutation) {
    return out << mutation.name;
  }
};

/// An object with one member set anew.
inline Json with(const Json& object, const std::string& key, Json value) {
  Json out = Json::object();
  bool replaced = false;
  for (const Json::Member& member : *object.members()) {
    replaced = replaced || member.first == key;
    out.set(member.first, member.first == key ? std::move(value) : member.second);
  }
  if (!replaced) out.set(key, std::move(value));
  return out;
}

/// The same some levels down.
inline Json with_at(const Json& object, std::vector<std::string> path, Json value) {
  const std::string key = path.front();
  path.erase(path.begin());
  const Json* inner = object.find(key);
  return with(object, key,
              path.empty() ? std::move(value)
                           : with_at(inner == nullptr ? Json::object() : *inner, path, std::move(value)));
}

inline Json without(const Json& object, const std::string& key) {
  Json out = Json::object();
  for (const Json::Member& member : *object.members())
    if (member.first != key) out.set(member.first, member.second);
  return out;
}

/// A list with one item changed.
inline Json with_item(const Json& list, size_t at, Json value) {
  Json::Array items = *list.items();
  items.at(at) = std::move(value);
  return Json::array(std::move(items));
}

inline Exchange& exchange(RunFiles& run, const std::string& name) {
  for (Exchange& each : run.exchanges)
    if (each.name == name) return each;
  return run.exchanges.front();
}

/// The n-th event of that name.
inline WireEvent& event(RunFiles& run, const std::string& exchange_name, const std::string& name,
                        size_t n = 0) {
  auto& events = exchange(run, exchange_name).events;
  for (WireEvent& each : events)
    if (each.name == name && n-- == 0) return each;
  return events.front();
}

inline void set(WireEvent& event, const std::string& key, Json value) {
  event.data = with(*Json::parse(event.data, "event"), key, std::move(value)).dump();
}

/// Another id in the first token event of an exchange.
inline void other_id(RunFiles& run, const std::string& exchange_name) {
  WireEvent& token = event(run, exchange_name, "token");
  const Json ids = *Json::parse(token.data, "event")->find("ids");
  set(token, "ids", with_item(ids, 0, *ids.items()->front().integer() == 3 ? 4 : 3));
}

/// A member of an exchange's entry in reference.json.
inline void set_judged(RunFiles& run, size_t at, const std::string& key, Json value) {
  const Json& all = *run.reference.find("exchanges");
  run.reference =
      with(run.reference, "exchanges", with_item(all, at, with((*all.items())[at], key, std::move(value))));
}

inline void set_body(Exchange& exchange, const std::string& key, Json value) {
  exchange.request = with_at(exchange.request, {"body", key}, std::move(value));
}

inline std::vector<Mutation> mutations() {
  return {
      {"AnotherMinute",
       [](RunFiles& run) {
         Exchange& haiku = exchange(run, "haiku");
         const std::string at = *haiku.request.find("sent_at")->string();
         const std::string hour_and_more = at.substr(0, 14), seconds = at.substr(16);
         haiku.request = with(haiku.request, "sent_at",
                              cat(hour_and_more, at.substr(14, 2) == "30" ? "31" : "30", seconds));
       },
       "minute fail"},
      {"AnotherNonceInThePrompt",
       [](RunFiles& run) { set_body(exchange(run, "haiku"), "prompt", "Write a haiku"); }, "prompt fail"},
      {"TwoChallengesWithOnePrompt",
       [](RunFiles& run) {
         set_body(exchange(run, "sampled 2"), "prompt_tokens",
                  *exchange(run, "sampled 1").request.find("body")->find("prompt_tokens"));
       },
       "prompt fail"},
      {"AChallengeOfOneId",
       [](RunFiles& run) { set_body(exchange(run, "sampled 1"), "prompt_tokens", Json::array({Json(5)})); },
       "prompt fail"},
      {"AnUnknownEvent",
       [](RunFiles& run) {
         auto& events = exchange(run, "haiku").events;
         events.insert(events.begin() + 1, {2, "progress", R"({"type":"progress"})"});
       },
       "stream fail"},
      {"ABlockThatIsNoEvent",
       [](RunFiles& run) {
         auto& events = exchange(run, "greedy").events;
         events.insert(events.begin() + 1, {2, "malformed", "data: {}"});
       },
       "stream fail"},
      {"TwoEnds",
       [](RunFiles& run) {
         auto& events = exchange(run, "sampled 1").events;
         events.push_back(events.back());
       },
       "stream fail"},
      {"StartedTwice",
       [](RunFiles& run) {
         auto& events = exchange(run, "haiku").events;
         events.insert(events.begin(), events.front());
       },
       "stream fail"},
      {"ATokenBeforeStarted",
       [](RunFiles& run) {
         auto& events = exchange(run, "haiku").events;
         std::swap(events[0], events[1]);
       },
       "stream fail"},
      {"AGapInTheIndices", [](RunFiles& run) { set(event(run, "haiku", "token", 1), "i", 77); },
       "stream fail"},
      {"AnotherNumberThanIds", [](RunFiles& run) { set(event(run, "haiku", "token", 1), "n", 9); },
       "stream fail"},
      {"AnotherTokensOut", [](RunFiles& run) { set(event(run, "repeat", "end"), "tokens_out", 1); },
       "stream fail"},
      {"AnotherTypeThanTheEvents", [](RunFiles& run) { set(event(run, "haiku", "token"), "type", "end"); },
       "stream fail"},
      {"AnotherContentType",
       [](RunFiles& run) {
         Exchange& haiku = exchange(run, "haiku");
         haiku.reply = with(haiku.reply, "content_type", "text/plain");
       },
       "stream fail"},
      {"ACachedReply",
       [](RunFiles& run) {
         Exchange& haiku = exchange(run, "haiku");
         haiku.reply = without(haiku.reply, "cache_control");
       },
       "stream fail"},
      {"AConnectionThatBroke",
       [](RunFiles& run) {
         Exchange& last = run.exchanges.back();
         last.closed = with(last.closed, "detail", "Read");
       },
       "stream fail"},
      {"ARefusal",
       [](RunFiles& run) {
         Exchange& sampled = exchange(run, "sampled 1");
         sampled.reply = with(sampled.reply, "status", 429);
       },
       "stream fail"},
      {"NoEnd", [](RunFiles& run) { exchange(run, "sampled 2").events.pop_back(); },
       "stream utf8 identity challenge fail"},
      {"AnErrorForAnEnd",
       [](RunFiles& run) {
         exchange(run, "repeat").events.back() = {
             3, "error", R"({"type":"error","code":"CANCELLED","message":"gone","retriable":false})"};
       },
       "stream utf8 identity fail"},
      {"AnotherIdInTheHaiku", [](RunFiles& run) { other_id(run, "haiku"); }, "ids fail"},
      {"AnotherIdOfTheReference",
       [](RunFiles& run) {
         const Json ids = *(*run.reference.find("exchanges")->items())[0].find("ids");
         set_judged(run, 0, "ids", with_item(ids, 1, 3));
       },
       "ids fail"},
      {"NoEndWhereTheReferenceEnds",
       [](RunFiles& run) {
         const Json ids = *(*run.reference.find("exchanges")->items())[0].find("ids");
         set_judged(run, 0, "ids", with_item(ids, ids.items()->size() - 1, 3));
       },
       "ids fail"},
      {"AnotherStopReason",
       [](RunFiles& run) { set(event(run, "haiku", "end"), "stop_reason", "MAX_TOKENS"); }, "ids ended fail"},
      {"AnEndThatIsNoToken",
       [](RunFiles& run) { run.reference = with(run.reference, "end_ids", Json::array({Json(0)})); },
       "ids fail"},
      {"AnotherTextOfAChallenge", [](RunFiles& run) { set(event(run, "sampled 1", "token"), "t", "other"); },
       "text fail"},
      {"ATextThatIsNotTheIds", [](RunFiles& run) { set_judged(run, 2, "decoded", "other"); }, "text fail"},
      {"BytesThatAreNoText", [](RunFiles& run) { set(event(run, "haiku", "end"), "invalid_utf8_bytes", 2); },
       "utf8 fail"},
      {"IllFormedBytesThatNobodyCounted", [](RunFiles& run) { set_judged(run, 0, "ill_formed_bytes", 2); },
       "utf8 fail"},
      {"AReplacementCharacter",
       [](RunFiles& run) {
         const std::string text = read_answer(exchange(run, "haiku")).text;
         WireEvent& last = event(run, "haiku", "token", 0);
         const std::string t = *Json::parse(last.data, "event")->find("t")->string();
         set(last, "t", cat("\uFFFD ", t));
         set_judged(run, 0, "decoded", cat("\uFFFD ", text));
       },
       "utf8 fail"},
      {"AnotherJobId", [](RunFiles& run) { set(event(run, "haiku", "started"), "job_id", "j"); },
       "identity fail"},
      {"AnotherCorrelationId",
       [](RunFiles& run) { set(event(run, "greedy", "started"), "correlation_id", "c"); }, "identity fail"},
      {"AnotherCorrelationIdInTheHead",
       [](RunFiles& run) {
         Exchange& repeat = exchange(run, "repeat");
         repeat.reply = with(repeat.reply, "correlation_id", "c");
       },
       "identity fail"},
      {"AnotherSeedAtTheEnd", [](RunFiles& run) { set(event(run, "sampled 2", "end"), "seed", 123); },
       "identity fail"},
      {"AnotherNumberOfPromptTokens",
       [](RunFiles& run) { set(event(run, "haiku", "end"), "prompt_tokens", 1); }, "identity fail"},
      {"AnotherIdInADraw", [](RunFiles& run) { other_id(run, "sampled 1"); }, "challenge fail"},
      {"AnotherIdInTheGreedyChallengeAndItsRepeat",
       [](RunFiles& run) {
         other_id(run, "greedy");
         other_id(run, "repeat");
       },
       "challenge fail"},
      {"AChallengeThatEndedEarly",
       [](RunFiles& run) { set(event(run, "sampled 2", "end"), "stop_reason", "EOS"); }, "challenge fail"},
      {"AnotherIdInTheRepeat", [](RunFiles& run) { other_id(run, "repeat"); }, "repeat fail"},
      {"ARepeatOfSomethingElse", [](RunFiles& run) { set_body(exchange(run, "repeat"), "max_tokens", 5); },
       "repeat fail"},
      {"ARepeatThatWasNotAsked",
       [](RunFiles& run) {
         run.exchanges.pop_back();
         Json::Array judged = *run.reference.find("exchanges")->items();
         judged.pop_back();
         run.reference = with(run.reference, "exchanges", Json::array(std::move(judged)));
       },
       "stream repeat metrics fail"},
      {"TokensThatNobodyCounted",
       [](RunFiles& run) {
         run.metrics = with_at(run.metrics, {"after", "worker_tokens_generated_total"}, 0);
       },
       "metrics fail"},
      {"PromptTokensThatNobodyCounted",
       [](RunFiles& run) {
         run.metrics = with_at(run.metrics, {"after", "worker_prompt_tokens_total"}, 1);
       },
       "metrics fail"},
      {"ADeltaThatIsNoDifference",
       [](RunFiles& run) {
         run.metrics = with_at(run.metrics, {"deltas", "worker_prompt_tokens_total"}, 1);
       },
       "metrics fail"},
      {"ARequestThatWasCancelled",
       [](RunFiles& run) {
         run.metrics = with_at(
             run.metrics, {"after", "worker_requests_total{outcome=\"cancelled\",route=\"/execute\"}"}, 1);
       },
       "metrics fail"},
      {"AWorkerThatFellIll",
       [](RunFiles& run) {
         run.metrics = with_at(run.metrics, {"health", "after", "status"}, "unhealthy");
       },
       "health fail"},
      {"AWorkerThatIsSilentAtTheEnd",
       [](RunFiles& run) {
         run.metrics = with_at(run.metrics, {"health", "after"}, Json::object());
       },
       "health fail"},
      {"AnotherBackend",
       [](RunFiles& run) {
         run.metrics = with_at(run.metrics, {"health", "before", "backend"}, "cuda");
       },
       "health fail"},
      {"ADeviceOnTheCpu",
       [](RunFiles& run) {
         run.metrics = with_at(run.metrics, {"health", "before", "device"}, 0);
       },
       "health fail"},
      {"AnotherArchitecture",
       [](RunFiles& run) {
         run.metrics = with_at(run.metrics, {"health", "after", "architecture"}, "llama");
       },
       "health fail"},
      {"AnotherVocabulary",
       [](RunFiles& run) {
         run.metrics = with_at(run.metrics, {"health", "before", "vocab_size"}, 1);
       },
       "health fail"},
      {"NotResident",
       [](RunFiles& run) {
         run.metrics = with_at(run.metrics, {"health", "after", "resident"}, false);
       },
       "health fail"},
      {"AnAnswerThatTookTooLong", [](RunFiles& run) { exchange(run, "sampled 1").closed_ms += 31'000; },
       "time fail"},
      {"AWorkerThatHadToBeKilled",
       [](RunFiles& run) {
         run.environment = with_at(run.environment, {"worker", "exit"}, -1);
       },
       "exit fail"},
  };
}

}  // namespace kigo::tools
