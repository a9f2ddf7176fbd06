// The generation loop, the only one there is: prompt in, tokens and text out, one at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/backend.h"
#include "core/base/result.h"
#include "core/base/view.h"
#include "core/sample/sampler.h"
#include "core/text/tokenizer.h"

namespace kigo::tools {

struct GenerationOptions {
  sample::Params sampling;
  int64_t max_tokens = 2048;
  std::vector<std::string> stop;  // matched on the text, see sample::StopMatcher
  bool ignore_end = false;        // end tokens are ordinary tokens
  /// Ends the run soon after it is set by any thread; null: it runs to its end.
  const std::atomic<bool>* cancel = nullptr;
};

/// What is known before the first token.
struct Started {
  int64_t prompt_tokens = 0;
  int64_t max_tokens = 0;  // as asked for, or what fits behind the prompt
  uint64_t seed = 0;
};

/// Text that is certain, and the tokens whose text begins in it or before it; those before it are of earlier
/// pieces. Only a piece that goes on with text of an earlier piece's last token can be without tokens.
struct Piece {
  std::string_view text;          // not empty, whole characters
  uint64_t first = 0;             // index of the first token; pieces follow each other without a gap
  std::span<const uint32_t> ids;  // of the tokens
};

/// Called on the thread that generates, in the order of what happens; any of them may be empty.
struct GenerationEvents {
  std::function<void(const Started&)> started;
  std::function<void(const Piece&)> piece;
  std::function<void(uint64_t tokens_out)> token;  // after each one, behind the piece that it made certain
};

enum class StopReason : uint8_t { max_tokens, eos, stop_sequence, context_full };

/// "MAX_TOKENS", "EOS", "STOP_SEQUENCE", "CONTEXT_FULL", as docs/worker.md names them.
std::string_view name(StopReason reason);

struct Generation {
  std::vector<uint32_t> ids;       // without the end token
  std::optional<uint32_t> end_id;  // the end token that stopped it
  std::string text;                // before a stop string; always valid UTF-8: the pieces, joined
  StopReason stop_reason = StopReason::max_tokens;
  std::optional<size_t> stop_index;  // of the stop string that was found
  uint64_t withheld = 0;  // ids at the end that no piece has: the stop string's, and those without text
  uint64_t invalid_utf8_bytes = 0;  // bytes of the tokens that are no UTF-8
  double prefill_s = 0;
  double first_token_s = 0;  // from the start until the first token was drawn
  double decode_s = 0;

  std::span<const uint32_t> withheld_ids() const { return std::span(ids).last(withheld); }
};

/// The loop, one token at a time, for whoever asks for the next token instead of being told.
class Generator {
 public:
  /// Checks everything and computes nothing yet. All references outlive it; the sequence is the backend's own
  /// or one of its open_session(). Errors: as generate() before the first token.
  static Result<std::unique_ptr<Generator>> start(Backend& backend, model::Session& sequence,
                                                  const text::Tokenizer& tokenizer,
                                                  std::span<const uint32_t> prompt, GenerationOptions options,
                                                  GenerationEvents events = {});
  virtual ~Generator() = default;  // leaves the sequence empty

  /// Draws the next token, and before the first one runs the prompt; events come from in here. False when it
  /// is over: nothing was, or will be, drawn any more. Errors: as generate(); then it is over, too.
  virtual Result<bool> next() = 0;
  /// All so far, without the end token; those behind which it ended included.
  virtual std::span<const uint32_t> ids() const = 0;
  /// What came of it; only once, and after next() has said that it is over.
  virtual Generation take() = 0;

 protected:
  Generator() = default;
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;
};

/// Runs `prompt` and draws tokens until one of the stop reasons. The sequence is empty before and after, also
/// after an error. A piece of text leaves as soon as it is certain: what could begin a stop string, or is a
/// part of a character, is held. Ids that the tokenizer does not have are never drawn. A stop reason is
/// context_full when fewer tokens than asked for fit.
/// Errors: context_overflow when the prompt leaves no room for one token; invalid_request for options out of
/// range, an empty prompt, an id beyond the vocabulary; cancelled, with the tokens so far; those of the
/// forward pass. Source: docs/worker.md, section 3.
Result<Generation> generate(Backend& backend, const text::Tokenizer& tokenizer,
                            std::span<const uint32_t> prompt, const GenerationOptions& options,
                            const GenerationEvents& events = {});

/// The highest logit of one position, the lowest id of equals.
struct Best {
  uint32_t id = 0;
  double margin = 0;  // by which it leads the next best
};
/// `drawable` [vocab]: zero where an id does not count; empty means that all do.
Best best_drawable(View<const double, 1> logits, std::span<const uint8_t> drawable);

}  // namespace kigo::tools
