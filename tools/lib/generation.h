// The generation loop: prompt in, tokens and text out, one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/model/config.h"
#include "core/model/session.h"
#include "core/sample/sampler.h"
#include "core/text/tokenizer.h"

namespace kigo::tools {

struct GenerationOptions {
  sample::Params sampling;
  int64_t max_tokens = 2048;
  std::vector<std::string> stop;  // matched on the text, see sample::StopMatcher
  bool ignore_end = false;        // end tokens are ordinary tokens
};

enum class StopReason : uint8_t { max_tokens, eos, stop_sequence, context_full };

/// "MAX_TOKENS", "EOS", "STOP_SEQUENCE", "CONTEXT_FULL", as docs/worker.md names them.
std::string_view name(StopReason reason);

struct Generation {
  std::vector<uint32_t> ids;       // without the end token
  std::optional<uint32_t> end_id;  // the end token that stopped it
  std::string text;                // before a stop string; always valid UTF-8
  StopReason stop_reason = StopReason::max_tokens;
  uint64_t invalid_utf8_bytes = 0;  // bytes of the tokens that are no UTF-8
  double prefill_s = 0;
  double decode_s = 0;
};

/// Runs `prompt` and draws tokens until one of the stop reasons; the session is reset first. `on_text` gets
/// each piece of text as soon as it is certain, never a part of a character. Ids that the tokenizer does not
/// have are never drawn. Errors: context_overflow when the prompt leaves no room for one token; those of
/// check and of the forward pass.
Result<Generation> generate(model::Session& session, const model::Config& config,
                            const text::Tokenizer& tokenizer, std::span<const uint32_t> prompt,
                            const GenerationOptions& options,
                            const std::function<void(std::string_view)>& on_text = {});

/// The highest logit of one position, the lowest id of equals.
struct Best {
  uint32_t id = 0;
  double margin = 0;  // by which it leads the next best
};
/// `drawable` [vocab]: zero where an id does not count; empty means that all do.
Best best_drawable(View<const double, 1> logits, std::span<const uint8_t> drawable);

}  // namespace kigo::tools
