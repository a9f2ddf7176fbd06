// A run over HTTP that passes, made by hand: five exchanges of a worker whose ids are the reference's.
#pragma once

#include <string>
#include <vector>

#include "core/base/cat.h"
#include "tools/lib/haiku/run_files.h"

namespace kigo::tools {

inline constexpr int64_t kEndId = 9;

inline Lexicon small_lexicon() {
  return *Lexicon::parse(
      "an\t1\nold\t1\nsilent\t2\npond\t1\na\t1\nfrog\t1\njumps\t1\ninto\t2\nsplash\t1\nsilence\t2\nagain\t2\n"
      "seven\t2\n",
      "lexicon");
}

/// One answer: pieces of text, an id for each.
struct Script {
  std::string name;
  std::vector<std::string> pieces;
  std::vector<int64_t> ids;
  bool ends = false;  // by an end token, else by max_tokens
};

inline Json asked(const Script& script, uint64_t seed, int64_t first_prompt_id) {
  const std::string job = cat("job-", script.name);
  Json body = Json::object({{"job_id", job}, {"seed", seed}, {"temperature", 0}});
  body.set("max_tokens", script.ends ? int64_t{100} : static_cast<int64_t>(script.ids.size()));
  Json request = Json::object({{"sent_at", "2026-11-21T10:07:59.000Z"},
                               {"job_id", job},
                               {"correlation_id", cat("correlation-", script.name)}});
  if (script.ends) {
    body.set("prompt", haiku_prompt("ponds", "seven", "k3j9x0aa"));
    for (const auto& [key, value] : {std::pair{"topic", "ponds"}, {"word", "seven"}, {"nonce", "k3j9x0aa"}})
      request.set(key, value);
  } else {
    Json prompt = Json::array();
    for (int64_t i = 0; i < 16; ++i) prompt.push(first_prompt_id + i);
    body.set("prompt_tokens", std::move(prompt));
    body.set("ignore_eos", true);
  }
  request.set("body", std::move(body));
  return request;
}

inline Exchange exchange_of(const Script& script, uint64_t seed, int64_t first_prompt_id) {
  Exchange exchange;
  exchange.name = script.name;
  exchange.request = asked(script, seed, first_prompt_id);
  exchange.reply = Json::object({{"status", 200},
                                 {"content_type", "text/event-stream; charset=utf-8"},
                                 {"cache_control", "no-store"},
                                 {"correlation_id", cat("correlation-", script.name)}});
  const auto count = static_cast<int64_t>(script.ids.size());
  exchange.events.push_back({1, "started",
                             Json::object({{"type", "started"},
                                           {"job_id", cat("job-", script.name)},
                                           {"seed", seed},
                                           {"prompt_tokens", 16},
                                           {"correlation_id", cat("correlation-", script.name)}})
                                 .dump()});
  for (size_t i = 0; i < script.ids.size(); ++i)
    exchange.events.push_back({2, "token",
                               Json::object({{"type", "token"},
                                             {"t", script.pieces[i]},
                                             {"i", static_cast<uint64_t>(i)},
                                             {"n", 1},
                                             {"ids", Json::array({Json(script.ids[i])})}})
                                   .dump()});
  exchange.events.push_back({3, "end",
                             Json::object({{"type", "end"},
                                           {"tokens_out", count},
                                           {"prompt_tokens", 16},
                                           {"stop_reason", script.ends ? "EOS" : "MAX_TOKENS"},
                                           {"seed", seed},
                                           {"tokens_withheld", 0},
                                           {"invalid_utf8_bytes", 0}})
                                 .dump()});
  exchange.closed_ms = 4;
  exchange.closed = Json::object({{"detail", "whole"}, {"at", "2026-11-21T10:07:59.700Z"}});
  return exchange;
}

inline Json judged_of(const Script& script) {
  std::vector<int64_t> ids = script.ids;
  ids.push_back(script.ends ? kEndId : 4);
  std::string decoded;
  for (const std::string& piece : script.pieces) decoded += piece;
  return Json::object({{"attempt", 1},
                       {"exchange", script.name},
                       {"prompt_tokens", 16},
                       {"ids", Json::array_of(ids)},
                       {"margins", Json::array_of(std::vector<double>(ids.size(), 1.0))},
                       {"errors", Json::array_of(std::vector<double>(ids.size(), 0.0))},
                       {"differing", Json::array()},
                       {"decoded", decoded},
                       {"ill_formed_bytes", 0}});
}

inline RunFiles passing_run() {
  const std::vector<Script> scripts{
      {"haiku",
       {"An old silent pond\n", "Seven a frog jumps into\n", "splash silence again"},
       {5, 6, 7},
       true},
      {"greedy", {"a", "b", "c", "d"}, {11, 12, 13, 14}},
      {"sampled 1", {"e", "f", "g", "h"}, {15, 16, 17, 18}},
      {"sampled 2", {"i", "j", "k", "l"}, {19, 20, 21, 22}},
      {"repeat", {"a", "b", "c", "d"}, {11, 12, 13, 14}}};
  RunFiles run;
  Json judged = Json::array();
  for (size_t i = 0; i < scripts.size(); ++i) {
    const bool again = scripts[i].name == "repeat";
    run.exchanges.push_back(
        exchange_of(scripts[i], again ? 2 : i + 1, again ? 100 : static_cast<int64_t>(100 * i)));
    judged.push(judged_of(scripts[i]));
  }
  run.reference = Json::object(
      {{"context", 512}, {"end_ids", Json::array({Json(kEndId)})}, {"exchanges", std::move(judged)}});
  const Json health = Json::object({{"status", "healthy"},
                                    {"backend", "cpu"},
                                    {"device", -1},
                                    {"architecture", "qwen2"},
                                    {"vocab_size", 300},
                                    {"resident", true}});
  const auto samples = [](double tokens, double prompts, double requests) {
    return Json::object({{"worker_tokens_generated_total", tokens},
                         {"worker_prompt_tokens_total", prompts},
                         {"worker_requests_total{outcome=\"ok\",route=\"/execute\"}", requests}});
  };
  run.metrics = Json::object({{"before", samples(0, 0, 0)},
                              {"after", samples(19, 80, 5)},
                              {"deltas", samples(19, 80, 5)},
                              {"health", Json::object({{"before", health}, {"after", health}})}});
  run.environment = Json::object({{"version", "1"},
                                  {"mode", "http"},
                                  {"backend", "cpu"},
                                  {"device", "a CPU"},
                                  {"model", Json::object({{"file", "m.gguf"},
                                                          {"sha256", "00"},
                                                          {"shipped", true},
                                                          {"architecture", "qwen2"},
                                                          {"vocab", 300}})},
                                  {"worker", Json::object({{"exit", 0}})}});
  return run;
}

/// The names of what a run fails, and its verdict: "ids fail".
inline std::string failures(const RunFiles& run, const Lexicon& lexicon = small_lexicon()) {
  const auto verification = verify_run(run, lexicon);
  if (!verification) return verification.error().message();
  std::string names;
  const auto add = [&names](const Json& checks) {
    for (const Json& check : *checks.items())
      if (!*check.find("pass")->boolean()) names += cat(*check.find("check")->string(), " ");
  };
  add(*verification->find("checks"));
  add(*verification->find("attempts")->items()->back().find("checks"));
  return cat(names, *verification->find("verdict")->string());
}

}  // namespace kigo::tools
