// Workers that cheat: one that puts the word into a canned poem, and one that replays what a real one said.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/text/stream_decoder.h"
#include "core/text/tokenizer.h"
#include "tests/tools/haiku/tiny_http.h"
#include "tools/lib/haiku/run_files.h"
#include "tools/lib/poem.h"
#include "tools/lib/prompt.h"

namespace kigo::tools {

/// What a cheat can know: the model's tokenizer, and the way a worker talks. The figures and the health that
/// it shows are always right.
class Cheat {
 public:
  Cheat(const text::Tokenizer& tokenizer, Json health) : tokenizer_(tokenizer), health_(std::move(health)) {}
  virtual ~Cheat() = default;

  TinyReply reply(const TinyRequest& request) {
    if (request.path == "/health") return {"application/json", "", health_.dump()};
    if (request.path == "/metrics") return {"text/plain; version=0.0.4", "", metrics()};
    const auto body = Json::parse(request.body, "body");
    const std::string correlation = request.header("X-Correlation-ID");
    return {"text/event-stream; charset=utf-8",
            cat("Cache-Control: no-store\r\nX-Correlation-ID: ", correlation, "\r\n"),
            body ? stream(*body, correlation) : ""};
  }

 protected:
  /// The events of one request.
  virtual std::string stream(const Json& body, const std::string& correlation) = 0;

  static std::string event(const std::string& name, const Json& data) {
    return cat("event: ", name, "\ndata: ", data.dump(), "\n\n");
  }
  int64_t prompt_length(const Json& body) const {
    if (const Json* ids = body.find("prompt_tokens")) return static_cast<int64_t>(ids->items()->size());
    Prompt prompt;
    prompt.chat = text_of(body, "prompt");
    return static_cast<int64_t>(prompt_ids(tokenizer_, prompt)->size());
  }
  void count(int64_t prompt, int64_t tokens) {
    prompts_ += prompt;
    tokens_ += tokens;
    ++requests_;
  }
  std::string metrics() const {
    return cat("worker_tokens_generated_total ", tokens_, "\nworker_prompt_tokens_total ", prompts_,
               "\nworker_requests_total{outcome=\"ok\",route=\"/execute\"} ", requests_, "\n");
  }

  const text::Tokenizer& tokenizer_;

 private:
  Json health_;
  int64_t prompts_ = 0, tokens_ = 0, requests_ = 0;
};

/// Never looks at the model: takes the word out of the prompt and says a haiku that holds it, 5-7-5. A
/// challenge gets ids that depend on its prompt and seed alone, so a repetition is the same.
class StubWorker : public Cheat {
 public:
  StubWorker(const text::Tokenizer& tokenizer, Json health, const Lexicon& lexicon)
      : Cheat(tokenizer, std::move(health)), lexicon_(lexicon) {}

 private:
  std::string stream(const Json& body, const std::string& correlation) override {
    const bool haiku = body.find("prompt") != nullptr;
    return haiku ? say(body, correlation,
                       *tokenizer_.encode(poem(text_of(body, "prompt")), text::Special::plain), "EOS")
                 : say(body, correlation, any_ids(body), "MAX_TOKENS");
  }

  std::string poem(const std::string& prompt) const {
    const size_t at = prompt.find('"') + 1;
    const std::string word = prompt.substr(at, prompt.find('"', at) - at);
    constexpr std::array<const char*, 4> kRest{" silent winter", " silent fan", " silent",
                                               " snow"};  // of five
    const auto syllables = static_cast<size_t>(std::clamp(lexicon_.syllables(word).value_or(4), 1, 4));
    return cat(word, kRest[syllables - 1], "\nthe winter fan, silent node\nsilent soft cold snow");
  }

  std::vector<uint32_t> any_ids(const Json& body) const {
    uint64_t state =
        std::hash<std::string>()(cat(body.find("prompt_tokens")->dump(), body.find("seed")->dump()));
    std::vector<uint32_t> ids;
    while (static_cast<int64_t>(ids.size()) < integer_of(body, "max_tokens")) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const auto id = static_cast<uint32_t>((state >> 33) % tokenizer_.size());
      const std::string bytes = tokenizer_.bytes(id);
      const bool letters = std::ranges::all_of(bytes, [](char c) { return c > ' ' && c < 127; });
      if (!bytes.empty() && letters) ids.push_back(id);
    }
    return ids;
  }

  std::string say(const Json& body, const std::string& correlation, const std::vector<uint32_t>& ids,
                  const char* reason) {
    const int64_t prompt = prompt_length(body);
    const auto tokens = static_cast<int64_t>(ids.size());
    count(prompt, tokens);
    std::string out = event("started", Json::object({{"type", "started"},
                                                     {"job_id", text_of(body, "job_id")},
                                                     {"model", "stub"},
                                                     {"seed", *body.find("seed")},
                                                     {"prompt_tokens", prompt},
                                                     {"max_tokens", *body.find("max_tokens")},
                                                     {"correlation_id", correlation}}));
    out += event("token", Json::object({{"type", "token"},
                                        {"t", text::well_formed(tokenizer_.decode(ids))},
                                        {"i", 0},
                                        {"n", tokens},
                                        {"ids", Json::array_of(ids)}}));
    return out + event("end", Json::object({{"type", "end"},
                                            {"tokens_out", tokens},
                                            {"prompt_tokens", prompt},
                                            {"stop_reason", reason},
                                            {"seed", *body.find("seed")},
                                            {"tokens_withheld", 0},
                                            {"invalid_utf8_bytes", 0}}));
  }

  const Lexicon& lexicon_;
};

/// Says what a worker said in another run, one answer after the other; `patched`: with the ids, seeds and
/// counts of what is asked now.
class Replay : public Cheat {
 public:
  Replay(const text::Tokenizer& tokenizer, const RunFiles& run, bool patched)
      : Cheat(tokenizer, *run.metrics.find("health")->find("before")), run_(run), patched_(patched) {}

 private:
  std::string stream(const Json& body, const std::string& correlation) override {
    const Exchange& old = run_.exchanges[std::min(next_++, run_.exchanges.size() - 1)];
    const int64_t prompt = prompt_length(body);
    std::string out;
    for (const WireEvent& each : old.events) {
      Json data = *Json::parse(each.data, "event");
      if (patched_ && each.name == "started") {
        data = replaced(replaced(data, "job_id", *body.find("job_id")), "correlation_id", correlation);
      }
      if (patched_ && each.name != "token")
        data = replaced(replaced(data, "seed", *body.find("seed")), "prompt_tokens", prompt);
      out += event(each.name, data);
    }
    const Answer answer = read_answer(old);
    count(patched_ ? prompt : integer_of(answer.started, "prompt_tokens"),
          static_cast<int64_t>(answer.ids.size()));
    return out;
  }

  static Json replaced(const Json& object, const std::string& key, const Json& value) {
    Json out = Json::object();
    for (const Json::Member& member : *object.members())
      out.set(member.first, member.first == key ? value : member.second);
    return out;
  }

  const RunFiles& run_;
  const bool patched_;
  size_t next_ = 0;
};

}  // namespace kigo::tools
