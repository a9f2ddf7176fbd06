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
  Sequence(Backend& backend, const std::atomic<bool>* cancel) : session_(backend.session()), cancel_(cancel) {
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
  int64_t length() const { return session_.length(); }

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

}  // namespace

Result<Generation> generate(Backend& backend, const text::Tokenizer& tokenizer,
                            std::span<const uint32_t> prompt, const GenerationOptions& options,
                            const GenerationEvents& events) {
  KIGO_TRY(check(options));
  KIGO_TRY(check_prompt(prompt, backend.context(), tokenizer.size()));
  const auto prompt_length = static_cast<int64_t>(prompt.size());
  // The last token that fits is drawn from the last position and takes none itself.
  const int64_t fitting = std::min(options.max_tokens, backend.context() - prompt_length + 1);
  const std::vector<uint8_t> drawable = tokenizer.drawable_ids();
  std::vector<uint32_t> history(prompt.begin(), prompt.end());
  TextSink sink(options.stop, events.piece);
  Generation out;
  if (events.started) events.started({prompt_length, fitting, options.sampling.seed});

  const Sequence sequence(backend, options.cancel);
  const auto start = std::chrono::steady_clock::now();
  if (sequence.cancelled()) return cancelled_after(0);
  auto logits = backend.prefill(prompt);
  out.prefill_s = seconds_since(start);
  for (;;) {
    const size_t index = sink.ids().size();
    if (!logits && logits.error().code == Code::cancelled) return cancelled_after(index);
    if (!logits) return tl::unexpected<Error>(std::move(logits.error()));
    KIGO_ASSIGN(const uint32_t id,
                sample::sample(rounded(*logits), options.sampling, history, index, drawable));
    if (index == 0) out.first_token_s = seconds_since(start);
    if (!options.ignore_end && tokenizer.is_end(KIGO_FAULT(F50) ? static_cast<uint32_t>(index) : id)) {
      out.end_id = id;
      out.stop_reason = StopReason::eos;
      break;
    }
    history.push_back(id);
    sink.push(id, tokenizer.bytes(id));
    if (events.token) events.token(index + 1);
    if (sink.stopped()) break;
    if (static_cast<int64_t>(index) + 1 == fitting) {
      if (fitting < options.max_tokens) out.stop_reason = StopReason::context_full;
      break;
    }
    if (sequence.cancelled()) return cancelled_after(index + 1);
    logits = backend.decode(id);
  }
  sink.finish();
  out.decode_s = seconds_since(start) - out.prefill_s;
  sink.move_to(out);
  if (out.stop_index) out.stop_reason = StopReason::stop_sequence;
  return out;
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
