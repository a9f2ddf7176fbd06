#include "tools/lib/generation.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>

#include "core/base/cat.h"
#include "core/base/fault.h"
#include "core/sample/stop.h"
#include "core/text/stream_decoder.h"
#include "core/text/unicode.h"

namespace kigo::tools {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Tokens in, pieces of text out: decoded, cut at stop strings, each with the tokens that begin in it.
class TextSink {
 public:
  TextSink(const std::vector<std::string>& stop, const std::function<void(const Piece&)>& on_piece)
      : matcher_(stop), on_piece_(on_piece) {}

  void push(uint32_t id, std::string_view token_bytes) {
    ids_.push_back(id);
    begins_.push_back(decoded_bytes_);
    send(decoder_.push(token_bytes));
  }
  void finish() {
    send(decoder_.finish());
    hand_on(matcher_.finish());
  }
  std::optional<size_t> stopped() const { return matcher_.matched(); }
  const std::vector<uint32_t>& ids() const { return ids_; }

  void move_to(Generation& out) {
    out.withheld = ids_.size() - covered_;
    out.ids = std::move(ids_);
    out.text = std::move(text_);
    out.stop_index = matcher_.matched();
    out.invalid_utf8_bytes = decoder_.ill_formed_bytes();
  }

 private:
  void send(const std::string& decoded) {
    decoded_bytes_ += decoded.size();
    hand_on(matcher_.push(decoded));
  }
  void hand_on(const std::string& text) {
    if (text.empty()) return;
    text_ += text;
    const size_t first = covered_;
    while (covered_ < begins_.size() && begins_[covered_] < text_.size()) ++covered_;
    if (on_piece_) on_piece_({text, first, std::span<const uint32_t>(ids_).subspan(first, covered_ - first)});
  }

  text::StreamDecoder decoder_;
  sample::StopMatcher matcher_;
  const std::function<void(const Piece&)>& on_piece_;
  std::vector<uint32_t> ids_;
  std::vector<size_t> begins_;  // bytes of decoded text before each token; equal for parts of one character
  size_t decoded_bytes_ = 0;
  size_t covered_ = 0;  // tokens that belong to pieces
  std::string text_;
};

Status check(const GenerationOptions& options) {
  if (options.max_tokens < 1)
    return fail(Code::invalid_request, "max_tokens", cat(options.max_tokens), "at least 1");
  KIGO_TRY(sample::check(options.sampling));
  KIGO_TRY(sample::check_stops(options.stop));
  for (size_t i = 0; i < options.stop.size(); ++i)
    KIGO_TRY(text::check_utf8(options.stop[i], cat("stop[", i, "]")));  // no text could ever match
  return {};
}

std::vector<float> rounded(const model::Rows& logits) {
  const double* last = logits.values.data() + (logits.rows - 1) * logits.width;
  return {last, last + logits.width};
}

}  // namespace

std::string_view name(StopReason reason) {
  constexpr std::array<std::string_view, 4> kNames{"MAX_TOKENS", "EOS", "STOP_SEQUENCE", "CONTEXT_FULL"};
  return kNames[static_cast<size_t>(reason)];
}

namespace {

/// An empty sequence that listens to the cancel flag, and is empty again afterwards.
class Sequence {
 public:
  Sequence(model::Session& session, const std::atomic<bool>* cancel) : session_(session), cancel_(cancel) {
    session_.reset();
    session_.cancel_on(cancel);
  }
  Sequence(const Sequence&) = delete;
  Sequence& operator=(const Sequence&) = delete;
  ~Sequence() {
    session_.cancel_on(nullptr);
    session_.reset();
  }
  bool cancelled() const { return cancel_ != nullptr && cancel_->load(std::memory_order_relaxed); }
  model::Session& session() { return session_; }

 private:
  model::Session& session_;
  const std::atomic<bool>* cancel_;
};

Status check_prompt(std::span<const uint32_t> prompt, int64_t context, int64_t vocab) {
  const auto length = static_cast<int64_t>(prompt.size());
  if (length >= context)
    return fail(Code::context_overflow, "prompt", cat(length, " tokens"), cat("at most ", context - 1));
  return model::check_tokens(prompt, 0, context, vocab);
}

tl::unexpected<Error> cancelled_after(size_t tokens) {
  return fail(Code::cancelled, "generation",
              cat("cancelled after ", tokens, tokens == 1 ? " token" : " tokens"));
}

class Loop final : public Generator {
 public:
  Loop(Backend& backend, model::Session& session, const text::Tokenizer& tokenizer,
       std::span<const uint32_t> prompt, GenerationOptions options, GenerationEvents events)
      : backend_(backend),
        tokenizer_(tokenizer),
        options_(std::move(options)),
        events_(std::move(events)),
        // The last token that fits is drawn from the last position and takes none itself.
        fitting_(std::min(options_.max_tokens, backend.context() - static_cast<int64_t>(prompt.size()) + 1)),
        drawable_(tokenizer.drawable_ids()),
        history_(prompt.begin(), prompt.end()),
        sink_(options_.stop, events_.piece),
        sequence_(session, options_.cancel) {
    if (events_.started)
      events_.started({static_cast<int64_t>(prompt.size()), fitting_, options_.sampling.seed});
    start_ = std::chrono::steady_clock::now();
  }

  Result<bool> next() override {
    const size_t index = sink_.ids().size();
    if (over_) return false;
    over_ = true;  // unless all of this goes well
    if (sequence_.cancelled()) return cancelled_after(index);
    auto logits =
        index == 0 ? prefill() : sequence_.session().forward({&history_.back(), 1}, model::Logits::Last);
    if (!logits && logits.error().code == Code::cancelled) return cancelled_after(index);
    if (!logits) return tl::unexpected<Error>(std::move(logits.error()));
    drawable_.resize(static_cast<size_t>(logits->width));  // rows that the tokenizer has no ids for
    KIGO_ASSIGN(const uint32_t id,
                sample::sample(rounded(*logits), options_.sampling, history_, index, drawable_));
    if (index == 0) out_.first_token_s = seconds_since(start_);
    over_ = ended_by(id, index);
    if (over_) finish();
    return !over_;
  }

  std::span<const uint32_t> ids() const override { return out_.ids.empty() ? sink_.ids() : out_.ids; }
  Generation take() override { return std::move(out_); }

 private:
  Result<model::Rows> prefill() {
    auto logits = backend_.prefill(sequence_.session(), history_);
    out_.prefill_s = seconds_since(start_);
    return logits;
  }

  /// Takes the token that was drawn, and says whether it is the last one.
  bool ended_by(uint32_t id, size_t index) {
    if (!options_.ignore_end && tokenizer_.is_end(KIGO_FAULT(F50) ? static_cast<uint32_t>(index) : id)) {
      out_.end_id = id;
      out_.stop_reason = StopReason::eos;
      return true;
    }
    history_.push_back(id);
    sink_.push(id, tokenizer_.bytes(id));
    if (events_.token) events_.token(index + 1);
    if (sink_.stopped()) return true;
    if (static_cast<int64_t>(index) + 1 < fitting_) return false;
    if (fitting_ < options_.max_tokens) out_.stop_reason = StopReason::context_full;
    return true;
  }

  void finish() {
    sink_.finish();
    out_.decode_s = seconds_since(start_) - out_.prefill_s;
    sink_.move_to(out_);
    if (out_.stop_index) out_.stop_reason = StopReason::stop_sequence;
  }

  Backend& backend_;
  const text::Tokenizer& tokenizer_;
  const GenerationOptions options_;
  const GenerationEvents events_;
  const int64_t fitting_;
  std::vector<uint8_t> drawable_;
  std::vector<uint32_t> history_;  // prompt and output
  TextSink sink_;
  Sequence sequence_;
  std::chrono::steady_clock::time_point start_;
  bool over_ = false;
  Generation out_;
};

}  // namespace

Result<std::unique_ptr<Generator>> Generator::start(Backend& backend, model::Session& sequence,
                                                    const text::Tokenizer& tokenizer,
                                                    std::span<const uint32_t> prompt,
                                                    GenerationOptions options, GenerationEvents events) {
  KIGO_TRY(check(options));
  KIGO_TRY(check_prompt(prompt, backend.context(), tokenizer.size()));
  return std::make_unique<Loop>(backend, sequence, tokenizer, prompt, std::move(options), std::move(events));
}

Result<Generation> generate(Backend& backend, const text::Tokenizer& tokenizer,
                            std::span<const uint32_t> prompt, const GenerationOptions& options,
                            const GenerationEvents& events) {
  KIGO_ASSIGN(const auto generator,
              Generator::start(backend, backend.session(), tokenizer, prompt, options, events));
  for (;;) {
    KIGO_ASSIGN(const bool goes_on, generator->next());
    if (!goes_on) return generator->take();
  }
}

Best best_drawable(View<const double, 1> logits, std::span<const uint8_t> drawable) {
  constexpr double kNone = -std::numeric_limits<double>::infinity();
  Best best;
  double highest = kNone;
  double second = kNone;
  for (int64_t id = 0; id < logits.shape[0]; ++id) {
    const auto index = static_cast<size_t>(id);
    if (!drawable.empty() && (index >= drawable.size() || drawable[index] == 0)) continue;
    const double logit = logits(id);
    if (logit > highest) {
      second = highest;
      highest = logit;
      best.id = static_cast<uint32_t>(id);
    } else if (logit > second) {
      second = logit;
    }
  }
  best.margin = highest - second;
  return best;
}

}  // namespace kigo::tools
