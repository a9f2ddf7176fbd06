// The textbook forward pass: plain ops, activations in double, one KV cache. Every other pass is judged by
// it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/model/session.h"
#include "core/model/weights.h"
#include "core/ops/linear.h"

namespace kigo::reference {

/// How keys and values are kept: as computed, or each rounded to f16 as a GPU keeps them.
enum class Cache : uint8_t { Double, Half };

/// How matrices are multiplied: by linear, in double throughout; by linear_fast, whose bound its header
/// derives; or, for more than one token and but for the logits, by linear_half, as a GPU multiplies prompts.
enum class Products : uint8_t { Plain, Fast, Half };

using model::Logits;
using model::Rows;
using model::TapSink;

/// One sequence. `forward` appends tokens; a prompt at once, in chunks or token by token gives the same bits.
class Session : public model::Session {
 public:
  /// Keeps pointers to what it is given, which outlives the session.
  explicit Session(const model::Model& model, Cache cache = Cache::Double,
                   Products products = Products::Plain)
      : Session(model.config, model.weights, cache, products) {}
  Session(const model::Config& config, const model::Weights& weights, Cache cache = Cache::Double,
          Products products = Products::Plain);

  /// As model::Session says, with every checkpoint. Types: double throughout, on the decoded weights, but for
  /// what Products::Fast and Half round within a product. Memory: the cache grows with the positions used,
  /// activations with the tokens.
  Result<Rows> forward(std::span<const uint32_t> tokens, Logits which, const TapSink& taps = {}) override;

  int64_t length() const override { return length_; }
  void reset() override { length_ = 0; }

 private:
  struct Layer {
    std::vector<double> k, v;  // [positions, kv_heads, head_dim], at least length_ positions
  };
  struct Step;

  Result<Rows> run(const Step& step, Logits which);
  Status attention_block(const Step& step, int64_t layer, Rows& x);
  Status ffn_block(const Step& step, int64_t layer, Rows& x) const;
  Status normalise(model::Role role, int64_t layer, const Rows& x, Rows& y) const;
  Status multiply(model::Role weight, int64_t layer, const Rows& x, Rows& y) const;
  Status product(const ops::Linear<double, Space::Host>& op) const;
  void store(const Rows& rows, std::vector<double>& cache) const;

  const model::Config* config_;
  const model::Weights* weights_;
  Cache cache_;
  Products products_;
  int64_t length_ = 0;
  std::vector<Layer> layers_;
};

}  // namespace kigo::reference
