// What a forward pass offers, whoever computes it: tokens in, logits and checkpoints out.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/model/taps.h"

namespace kigo::model {

/// Of which of the new positions forward returns logits.
enum class Logits : uint8_t { Last, All };

/// A dense matrix that owns its elements.
struct Rows {
  int64_t rows = 0;
  int64_t width = 0;
  std::vector<double> values;

  Rows() = default;
  Rows(int64_t rows_, int64_t width_)
      : rows(rows_), width(width_), values(static_cast<size_t>(rows_ * width_)) {}
  View<double, 2> view() { return {values.data(), {rows, width}}; }
  View<const double, 2> view() const { return {values.data(), {rows, width}}; }
  View<double, 3> split(int64_t heads) { return {values.data(), {rows, heads, width / heads}}; }
};

/// Receives a checkpoint of layer `layer` (0 for embed, output_norm and logits) as it is reached: [tokens,
/// heads or kv_heads, head_dim], [tokens, 1, width] where there are no heads, all positions so far for
/// cache_k and cache_v. The view is valid during the call only.
using TapSink = std::function<void(Tap, int64_t layer, View<const double, 3>)>;

/// One sequence. `forward` appends tokens.
class Session {
 public:
  virtual ~Session() = default;

  /// The logits [tokens or 1, vocab] after `tokens`, appended to what came before. Taps change no bit of the
  /// result; with Logits::Last output_norm and logits have one row. An implementation that fuses stages hands
  /// out those checkpoints that it has.
  /// Errors, all of which leave the session as it was: invalid_request for no tokens or an id beyond the
  /// vocabulary, context_overflow, out_of_memory; cancelled, see cancel_on; cuda, after which the session can
  /// only be reset.
  virtual Result<Rows> forward(std::span<const uint32_t> tokens, Logits which, const TapSink& taps = {}) = 0;

  /// Positions held: the tokens of all calls since the start or the last reset.
  virtual int64_t length() const = 0;
  virtual void reset() = 0;

  /// From now on forward looks at `flag` while it works, and ends with the error `cancelled` soon after it is
  /// set; null ends that. The flag outlives its use and changes no bit of a call that it does not end.
  void cancel_on(const std::atomic<bool>* flag) { cancel_ = flag; }

 protected:
  bool can_be_cancelled() const { return cancel_ != nullptr; }
  /// Errors: cancelled, when the flag is set.
  Status check_cancelled() const;

  Session() = default;
  Session(const Session&) = default;
  Session& operator=(const Session&) = default;
  Session(Session&&) = default;
  Session& operator=(Session&&) = default;

 private:
  const std::atomic<bool>* cancel_ = nullptr;
};

/// What every implementation refuses in the same words: no tokens, more than fit behind `length` positions,
/// ids beyond the vocabulary. Errors: invalid_request, context_overflow.
Status check_tokens(std::span<const uint32_t> tokens, int64_t length, int64_t context, int64_t vocab);

}  // namespace kigo::model
