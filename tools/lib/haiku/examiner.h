// The questions of a haiku test, whoever answers them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/text/tokenizer.h"
#include "tools/lib/haiku/exchange.h"
#include "tools/lib/iso_time.h"
#include "tools/lib/poem.h"

namespace kigo::tools {

/// 8 characters of a-z and 0-9 from the system's randomness.
std::string fresh_nonce();

/// How a haiku is asked for, in every kind of run.
struct Questions {
  std::string topic = "GPU computing";
  std::string command = "kigo haiku";  // for the record
  int attempts = 3;                    // a poem that misses is asked for again with a new nonce
  int64_t max_tokens = 100;
  std::function<Time()> clock;  // empty: the system's
  std::function<std::string()> nonce = fresh_nonce;

  Time now() const;
};

/// Asks one question after the other and keeps what comes back.
class Examiner {
 public:
  /// Takes an exchange with its request, fills in the rest.
  using Send = std::function<void(Exchange&)>;
  /// Keeps references: what is given outlives it. `shipped`: a poem's syllables count.
  Examiner(const Questions& questions, const text::Tokenizer& tokenizer, const Lexicon& lexicon, bool shipped,
           Send send)
      : questions_(questions),
        tokenizer_(tokenizer),
        lexicon_(lexicon),
        shipped_(shipped),
        send_(std::move(send)) {}

  /// Until a poem is right, the attempts are used up, the minute changed twice under a question, or an answer
  /// is no stream of events. `nonce` is the first one. Looks at poems only, not at the engine's checks: these
  /// are computed at the end and over all attempts, so no fault can hide behind another try.
  void ask_for_haikus(std::string nonce);
  /// Three challenges and the repetition of the first: docs/haiku.md.
  void challenge();

  std::vector<Exchange> exchanges() && { return std::move(exchanges_); }

 private:
  const Exchange& ask_for_haiku(const std::string& nonce);
  const Exchange& ask(const char* name, Time at, Json body, std::initializer_list<Json::Member> more = {});

  const Questions& questions_;
  const text::Tokenizer& tokenizer_;
  const Lexicon& lexicon_;
  const bool shipped_;
  Send send_;
  std::vector<Exchange> exchanges_;
  int64_t attempt_ = 0;
};

/// A run's name: "20261121T073205Z-k3j9x0aa".
std::string run_id(Time start, const std::string& nonce);

/// environment.json as far as every run has it; `mode` is "http" or "process".
Json environment_of(const char* mode, const Questions& questions, const std::string& backend, Json model);

}  // namespace kigo::tools
