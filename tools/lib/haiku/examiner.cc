#include "tools/lib/haiku/examiner.h"

#include <random>

#include "core/base/cat.h"
#include "tools/lib/haiku/checks.h"
#include "tools/lib/serve/correlation.h"

namespace kigo::tools {
namespace {

constexpr int kFlips = 2;  // minutes that changed under a question; then it is undecided
constexpr int64_t kChallengeTokens = 32;

uint64_t random_below(uint64_t limit) {
  static std::random_device device;
  return std::uniform_int_distribution<uint64_t>(0, limit - 1)(device);
}

/// 16..48 ids that a sampler could draw.
std::vector<uint32_t> random_prompt(const text::Tokenizer& tokenizer) {
  std::vector<uint32_t> ids(16 + random_below(33));
  for (uint32_t& id : ids) {
    do {
      id = static_cast<uint32_t>(random_below(tokenizer.size()));
    } while (!tokenizer.drawable(id));
  }
  return ids;
}

uint64_t fresh_seed() { return random_below(uint64_t{1} << 53); }

Json challenge_body(const std::vector<uint32_t>& prompt, uint64_t seed, bool sampled) {
  Json body = Json::object({{"prompt_tokens", Json::array_of(prompt)},
                            {"temperature", sampled ? Json(0.8) : Json(0)},
                            {"seed", seed},
                            {"max_tokens", kChallengeTokens},
                            {"ignore_eos", true},
                            {"return_token_ids", true}});
  if (!sampled) return body;
  body.set("top_k", 40);
  body.set("top_p", 0.95);
  body.set("repetition_penalty", 1.1);
  return body;
}

}  // namespace

std::string fresh_nonce() {
  constexpr std::string_view kCharacters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string nonce;
  for (int i = 0; i < 8; ++i) nonce += kCharacters[random_below(kCharacters.size())];
  return nonce;
}

Time Questions::now() const {
  return clock ? clock() : std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

void Examiner::ask_for_haikus(std::string nonce) {
  for (int misses = 0, flips = 0; misses < questions_.attempts && flips < kFlips;) {
    if (++attempt_ > 1) nonce = questions_.nonce();
    const Exchange& asked = ask_for_haiku(nonce);
    const Answer answer = read_answer(asked);
    const std::string word = text_of(asked.request, "word");
    const auto closed = parse_iso_time(text_of(asked.closed, "at"));
    const bool flipped = closed && minute_word(*closed) != word;
    if (!answer.problems.empty()) break;
    if (!flipped && all_required_pass(check_poem(answer.text, word, nonce, lexicon_, shipped_))) break;
    (flipped ? flips : misses) += 1;
  }
}

void Examiner::challenge() {
  const Json greedy = challenge_body(random_prompt(tokenizer_), fresh_seed(), false);
  ask("greedy", questions_.now(), greedy);
  for (const char* name : {"sampled 1", "sampled 2"})
    ask(name, questions_.now(), challenge_body(random_prompt(tokenizer_), fresh_seed(), true));
  ask("repeat", questions_.now(), greedy);
}

const Exchange& Examiner::ask_for_haiku(const std::string& nonce) {
  const Time at = questions_.now();  // of the word and of the request: the minute may change at any time
  const std::string word = minute_word(at);
  Json body = Json::object({{"prompt", haiku_prompt(questions_.topic, word, nonce)},
                            {"template", "chat"},
                            {"temperature", 0},
                            {"seed", fresh_seed()},
                            {"max_tokens", questions_.max_tokens},
                            {"return_token_ids", true}});
  return ask("haiku", at, std::move(body), {{"topic", questions_.topic}, {"word", word}, {"nonce", nonce}});
}

const Exchange& Examiner::ask(const char* name, Time at, Json body,
                              std::initializer_list<Json::Member> more) {
  Exchange exchange;
  exchange.attempt = attempt_;
  exchange.name = name;
  const std::string job = cat("haiku-", uuid4());
  Json with_id = Json::object({{"job_id", job}});
  for (const Json::Member& member : *body.members()) with_id.set(member.first, member.second);
  exchange.request = Json::object(more);
  exchange.request.set("sent_at", iso_time(at));
  exchange.request.set("job_id", job);
  exchange.request.set("correlation_id", uuid4());
  exchange.request.set("body", std::move(with_id));
  send_(exchange);
  exchange.closed.set("at", iso_time(questions_.now()));
  exchanges_.push_back(std::move(exchange));
  return exchanges_.back();
}

std::string run_id(Time start, const std::string& nonce) {
  std::string stamp;
  for (const char c : iso_time(start).substr(0, 19))
    if (c != '-' && c != ':') stamp += c;
  return cat(stamp, "Z-", nonce);
}

Json environment_of(const char* mode, const Questions& questions, const std::string& backend, Json model) {
  return Json::object({{"version", KIGO_VERSION},
                       {"commit", KIGO_COMMIT},
                       {"command", questions.command},
                       {"mode", mode},
                       {"backend", backend},
                       {"clock", questions.clock ? "injected" : "system"},
                       {"model", std::move(model)}});
}

}  // namespace kigo::tools
