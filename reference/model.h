// The textbook forward pass: plain ops, activations in double, one KV cache. Every other pass is judged by
// it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/model/taps.h"
#include "core/model/weights.h"

namespace kigo::reference {

/// How keys and values are kept: as computed, or each rounded to f16 as a GPU keeps them.
enum class Cache : uint8_t { Double, Half };

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
using TapSink = std::function<void(model::Tap, int64_t layer, View<const double, 3>)>;

/// One sequence. `forward` appends tokens; a prompt at once, in chunks or token by token gives the same bits.
class Session {
 public:
  /// Keeps pointers to what it is given, which outlives the session.
  explicit Session(const model::Model& model, Cache cache = Cache::Double)
      : Session(model.config, model.weights, cache) {}
  Session(const model::Config& config, const model::Weights& weights, Cache cache = Cache::Double);

  /// The logits [tokens or 1, vocab] after `tokens`, appended to what came before. Types: double throughout,
  /// on the decoded weights. Taps change no bit of the result; with Logits::Last output_norm and logits have
  /// one row. Memory: the cache grows with the positions used, activations with the tokens.
  /// Errors, all of which leave the session as it was: invalid_request for no tokens or an id beyond the
  /// vocabulary, context_overflow, out_of_memory.
  Result<Rows> forward(std::span<const uint32_t> tokens, Logits which, const TapSink& taps = {});

  /// Positions held: the tokens of all calls since the start or the last reset.
  int64_t length() const { return length_; }
  void reset() { length_ = 0; }

 private:
  struct Layer {
    std::vector<double> k, v;  // [positions, kv_heads, head_dim], at least length_ positions
  };
  struct Step;

  Status check(std::span<const uint32_t> tokens) const;
  Result<Rows> run(const Step& step, Logits which);
  Status attention_block(const Step& step, int64_t layer, Rows& x);
  Status ffn_block(const Step& step, int64_t layer, Rows& x) const;
  Status normalise(model::Role role, int64_t layer, const Rows& x, Rows& y) const;
  Status multiply(model::Role weight, int64_t layer, const Rows& x, Rows& y) const;
  void store(const Rows& rows, std::vector<double>& cache) const;

  const model::Config* config_;
  const model::Weights* weights_;
  Cache cache_;
  int64_t length_ = 0;
  std::vector<Layer> layers_;
};

}  // namespace kigo::reference
