#include "tools/lib/generation.h"

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

/// Tokens in, text out: decoded, cut at stop strings, handed on.
class TextSink {
 public:
  TextSink(const std::vector<std::string>& stop, const std::function<void(std::string_view)>& on_text)
      : matcher_(stop), on_text_(on_text) {}

  void push(std::string_view token_bytes) { send(matcher_.push(decoder_.push(token_bytes))); }
  void finish() {
    send(matcher_.push(decoder_.finish()));
    send(matcher_.finish());
  }
  bool stopped() const { return matcher_.matched().has_value(); }
  uint64_t ill_formed_bytes() const { return decoder_.ill_formed_bytes(); }
  std::string take_text() { return std::move(text_); }

 private:
  void send(const std::string& piece) {
    if (piece.empty()) return;
    text_ += piece;
    if (on_text_) on_text_(piece);
  }

  text::StreamDecoder decoder_;
  sample::StopMatcher matcher_;
  const std::function<void(std::string_view)>& on_text_;
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

Result<Generation> generate(model::Session& session, const model::Config& config,
                            const text::Tokenizer& tokenizer, std::span<const uint32_t> prompt,
                            const GenerationOptions& options,
                            const std::function<void(std::string_view)>& on_text) {
  KIGO_TRY(check(options));
  const auto prompt_length = static_cast<int64_t>(prompt.size());
  if (prompt_length >= config.context) {
    return fail(Code::context_overflow, "prompt", cat(prompt_length, " tokens"),
                cat("at most ", config.context - 1));
  }
  const std::vector<uint8_t> drawable = tokenizer.drawable_ids();
  std::vector<uint32_t> history(prompt.begin(), prompt.end());
  TextSink sink(options.stop, on_text);
  Generation out;

  session.reset();
  auto start = std::chrono::steady_clock::now();
  auto logits = session.forward(prompt, model::Logits::Last);
  out.prefill_s = seconds_since(start);
  start = std::chrono::steady_clock::now();
  for (;;) {
    if (!logits) return tl::unexpected<Error>(std::move(logits.error()));
    const auto index = static_cast<uint64_t>(out.ids.size());
    KIGO_ASSIGN(const uint32_t id,
                sample::sample(rounded(*logits), options.sampling, history, index, drawable));
    if (!options.ignore_end && tokenizer.is_end(KIGO_FAULT(F50) ? static_cast<uint32_t>(index) : id)) {
      out.end_id = id;
      out.stop_reason = StopReason::eos;
      break;
    }
    out.ids.push_back(id);
    history.push_back(id);
    sink.push(tokenizer.bytes(id));
    if (sink.stopped()) {
      out.stop_reason = StopReason::stop_sequence;
      break;
    }
    if (static_cast<int64_t>(out.ids.size()) == options.max_tokens) break;
    if (session.length() == config.context) {
      out.stop_reason = StopReason::context_full;
      break;
    }
    logits = session.forward({&id, 1}, model::Logits::Last);
  }
  sink.finish();
  out.decode_s = seconds_since(start);
  out.invalid_utf8_bytes = sink.ill_formed_bytes();
  out.text = sink.take_text();
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
