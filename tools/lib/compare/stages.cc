#include "tools/lib/compare/stages.h"

#include <algorithm>

#include "core/base/check.h"

namespace kigo::tools {

using model::Role;
using model::Tap;

void Checkpoints::add(Tap tap, int64_t layer, View<const double, 3> rows) {
  std::vector<double>& all = values_[{tap, layer}];
  if (tap == Tap::cache_k || tap == Tap::cache_v) all.clear();
  all.insert(all.end(), rows.data, rows.data + rows.size());
}

model::TapSink Checkpoints::sink() {
  return [this](Tap tap, int64_t layer, View<const double, 3> rows) { add(tap, layer, rows); };
}

const std::vector<double>* Checkpoints::find(Tap tap, int64_t layer) const {
  const auto found = values_.find({tap, layer});
  return found == values_.end() ? nullptr : &found->second;
}

std::array<int64_t, 2> row_shape(Tap tap, const model::Config& config) {
  switch (tap) {
    case Tap::attn_q:
    case Tap::attn_q_rope:
    case Tap::attn_mix:
      return {config.heads, config.head_dim};
    case Tap::attn_k:
    case Tap::attn_v:
    case Tap::attn_k_rope:
    case Tap::cache_k:
    case Tap::cache_v:
      return {config.kv_heads, config.head_dim};
    case Tap::ffn_gate:
    case Tap::ffn_up:
    case Tap::ffn_act:
      return {1, config.ffn_width};
    case Tap::logits:
      return {1, config.vocab};
    default:
      return {1, config.width};
  }
}

namespace {

/// The stages of one layer of one call.
class LayerWalk {
 public:
  LayerWalk(const model::Config& config, const model::Weights& weights, const StageCall& call, int64_t layer,
            const Checkpoints& got, const std::vector<double>* input, const StageSink& sink)
      : config_(config),
        weights_(weights),
        call_(call),
        layer_(layer),
        got_(got),
        input_(input),
        sink_(sink) {}

  void run(KeptCache& cache) {
    project();
    const std::vector<double> keys = joined(Tap::cache_k, cache.k);
    const std::vector<double> values = joined(Tap::cache_v, cache.v);
    attend(cache.k ? &keys : nullptr, cache.v ? &values : nullptr);
    if (cache.k) cache.k = keys;
    if (cache.v) cache.v = values;
    feed_forward();
  }

 private:
  const std::vector<double>* got(Tap tap) const { return got_.find(tap, layer_); }
  const gguf::Tensor* tensor(Role role) const { return weights_.find(role, layer_); }

  void judge(Tap tap, std::optional<Recipe> recipe) const {
    if (const std::vector<double>* values = got(tap))
      judge(tap, *values, call_.first, false, std::move(recipe));
  }
  void judge(Tap tap, std::span<const double> values, int64_t first, bool old,
             std::optional<Recipe> recipe) const {
    const auto [heads, width] = row_shape(tap, config_);
    sink_({.tap = tap,
           .layer = layer_,
           .old_positions = old,
           .shape = {static_cast<int64_t>(values.size()) / (heads * width), heads, width},
           .first_position = first,
           .how = call_.how,
           .got = values,
           .recipe = std::move(recipe)});
  }

  /// The product behind a norm: from the norm's checkpoint, or with the norm fused in.
  std::optional<Multiplied> behind(Tap norm_tap, Role norm, const std::vector<double>* before, Role weight,
                                   std::optional<Role> bias = {}) const {
    Multiplied op{.matrix = tensor(weight), .bias = bias ? tensor(*bias) : nullptr};
    if (const std::vector<double>* normed = got(norm_tap)) {
      op.x = *normed;
    } else if (before != nullptr) {
      op.x = *before;
      op.norm = tensor(norm);
      op.eps = config_.norm_eps;
    } else {
      return std::nullopt;
    }
    return op;
  }
  void judge_norm(Tap tap, Role role, const std::vector<double>* before) const {
    std::optional<Recipe> recipe;
    if (before != nullptr) recipe = Normed{*before, tensor(role), config_.norm_eps};
    judge(tap, std::move(recipe));
  }
  static std::optional<Recipe> recipe(const std::optional<Multiplied>& op) {
    return op ? std::optional<Recipe>(*op) : std::nullopt;
  }

  std::optional<Turned> turned(Tap tap, const std::optional<Multiplied>& source, int64_t heads) const {
    Turned op{.heads = heads,
              .head_dim = config_.head_dim,
              .first_position = call_.first,
              .pairing = config_.architecture->position == model::Position::rope_halves
                             ? ops::Pairing::halves
                             : ops::Pairing::neighbours,
              .rope_dims = config_.rope_dims,
              .base = config_.rope_base,
              .factor = config_.rope_factor,
              .divisors = weights_.find(Role::rope_freqs)};
    if (const std::vector<double>* rows = got(tap)) {
      op.rows = *rows;
    } else if (source) {
      op.source = source;
    } else {
      return std::nullopt;
    }
    return op;
  }

  void project() {
    judge_norm(Tap::attn_norm, Role::attn_norm, input_);
    const auto product = [&](Role weight, Role bias) {
      return behind(Tap::attn_norm, Role::attn_norm, input_, weight, bias);
    };
    const auto q = product(Role::attn_q, Role::attn_q_bias);
    const auto k = product(Role::attn_k, Role::attn_k_bias);
    v_ = product(Role::attn_v, Role::attn_v_bias);
    judge(Tap::attn_q, recipe(q));
    judge(Tap::attn_k, recipe(k));
    judge(Tap::attn_v, recipe(v_));
    q_turned_ = turned(Tap::attn_q, q, config_.heads);
    k_turned_ = turned(Tap::attn_k, k, config_.kv_heads);
    // A fused kernel hands out its keys as the cache holds them.
    if (k_turned_ && k_turned_->source) k_turned_->to_half = call_.how.cache_half;
    judge(Tap::attn_q_rope, q_turned_ ? std::optional<Recipe>(*q_turned_) : std::nullopt);
    judge(Tap::attn_k_rope, k_turned_ ? std::optional<Recipe>(*k_turned_) : std::nullopt);
  }

  /// What joins the cache.
  std::optional<Recipe> appended(Tap tap) const {
    const bool keys = tap == Tap::cache_k;
    const bool half = call_.how.cache_half;
    if (const auto* rows = got(keys ? Tap::attn_k_rope : Tap::attn_v))
      return Stored{.rows = *rows, .source = {}, .to_half = half};
    if (!keys)
      return v_ ? std::optional<Recipe>(Stored{.rows = {}, .source = v_, .to_half = half}) : std::nullopt;
    if (!k_turned_) return std::nullopt;
    Turned op = *k_turned_;
    op.to_half = half;
    return op;
  }

  /// Judges a cache where it was handed out, and returns what it holds behind this call; `before` becomes
  /// nothing when that is not known.
  std::vector<double> joined(Tap tap, std::optional<std::vector<double>>& before) const {
    const int64_t row = config_.kv_heads * config_.head_dim;
    const auto old = static_cast<size_t>(call_.first * row);
    if (const std::vector<double>* all = got(tap)) {
      const std::span<const double> rows = *all;
      KIGO_CHECK(rows.size() == old + call_.tokens.size() * static_cast<size_t>(row));
      if (old != 0) {
        std::optional<Recipe> kept;
        if (before) kept = Stored{.rows = *before, .source = {}};
        judge(tap, rows.first(old), 0, true, std::move(kept));
      }
      judge(tap, rows.subspan(old), call_.first, false, appended(tap));
      before.emplace();
      return *all;
    }
    const std::vector<double>* rows = got(tap == Tap::cache_k ? Tap::attn_k_rope : Tap::attn_v);
    if (!before || rows == nullptr) {
      before.reset();
      return {};
    }
    std::vector<double> all = *before;
    for (const double value : *rows) all.push_back(call_.how.cache_half ? to_half(value) : value);
    return all;
  }

  void attend(const std::vector<double>* keys, const std::vector<double>* values) {
    const std::vector<double>* q = got(Tap::attn_q_rope);
    Expected computed;  // of queries that were not handed out
    std::optional<Recipe> mix;
    if (keys != nullptr && values != nullptr && (q != nullptr || q_turned_) &&
        got(Tap::attn_mix) != nullptr) {
      Attended op{.k = *keys,
                  .v = *values,
                  .heads = config_.heads,
                  .kv_heads = config_.kv_heads,
                  .head_dim = config_.head_dim,
                  .first_position = call_.first};
      if (q == nullptr) {
        computed = expected(*q_turned_, call_.how);
        op.q_bounds = computed.bounds;
      }
      op.q = q != nullptr ? *q : computed.values;
      mix = op;
    }
    judge(Tap::attn_mix, std::move(mix));
    std::optional<Multiplied> out;
    if (const std::vector<double>* x = got(Tap::attn_mix))
      out = Multiplied{.matrix = tensor(Role::attn_output), .bias = tensor(Role::attn_output_bias), .x = *x};
    join(Tap::attn_out, Tap::attn_residual, out, input_);
  }

  /// A product that joins the residual stream: in one stage, or in two.
  void join(Tap product_tap, Tap sum_tap, std::optional<Multiplied> product,
            const std::vector<double>* residual) const {
    judge(product_tap, recipe(product));
    const std::vector<double>* alone = got(product_tap);
    std::optional<Recipe> sum;
    if (residual != nullptr && alone != nullptr) {
      sum = Added{*residual, *alone};
    } else if (residual != nullptr && product) {
      product->residual = *residual;
      sum = *product;
    }
    judge(sum_tap, std::move(sum));
  }

  void feed_forward() const {
    const std::vector<double>* x = got(Tap::attn_residual);
    judge_norm(Tap::ffn_norm, Role::ffn_norm, x);
    const auto gate = behind(Tap::ffn_norm, Role::ffn_norm, x, Role::ffn_gate);
    const auto up = behind(Tap::ffn_norm, Role::ffn_norm, x, Role::ffn_up);
    judge(Tap::ffn_gate, recipe(gate));
    judge(Tap::ffn_up, recipe(up));
    Gated act;
    const auto take = [&](Tap tap, const auto& source, auto& rows, auto& product) {
      if (const std::vector<double>* values = got(tap)) {
        rows = *values;
      } else {
        product = source;
      }
      return got(tap) != nullptr || source;
    };
    const bool has_gate = take(Tap::ffn_gate, gate, act.gate, act.gate_source);
    const bool has_up = take(Tap::ffn_up, up, act.up, act.up_source);
    const bool both = has_gate && has_up;
    judge(Tap::ffn_act, both ? std::optional<Recipe>(act) : std::nullopt);
    std::optional<Multiplied> down;
    Expected computed;
    if (const std::vector<double>* values = got(Tap::ffn_act)) {
      down = Multiplied{.matrix = tensor(Role::ffn_down), .x = *values};
    } else if (both && (got(Tap::ffn_down) != nullptr || got(Tap::ffn_residual) != nullptr)) {
      computed = expected(Recipe(act), call_.how);
      down = Multiplied{.matrix = tensor(Role::ffn_down), .x = computed.values, .x_bounds = computed.bounds};
    }
    join(Tap::ffn_down, Tap::ffn_residual, down, x);
  }

  const model::Config& config_;
  const model::Weights& weights_;
  const StageCall& call_;
  int64_t layer_;
  const Checkpoints& got_;
  const std::vector<double>* input_;
  const StageSink& sink_;
  std::optional<Multiplied> v_;
  std::optional<Turned> q_turned_, k_turned_;
};

}  // namespace

void StageWalk::embed(const StageCall& call, const Checkpoints& got, const StageSink& sink) const {
  const std::vector<double>* values = got.find(Tap::embed, 0);
  if (values == nullptr) return;
  sink({.tap = Tap::embed,
        .shape = {static_cast<int64_t>(call.tokens.size()), 1, config_->width},
        .first_position = call.first,
        .how = call.how,
        .got = *values,
        .recipe = Looked{weights_->find(Role::token_embd), call.tokens}});
}

void StageWalk::layer(const StageCall& call, int64_t layer, const Checkpoints& got,
                      const std::vector<double>* input, KeptCache& cache, const StageSink& sink) const {
  LayerWalk(*config_, *weights_, call, layer, got, input, sink).run(cache);
}

void StageWalk::head(const StageCall& call, const Checkpoints& got, const std::vector<double>* input,
                     const StageSink& sink) const {
  const std::vector<double>* normed = got.find(Tap::output_norm, 0);
  const std::vector<double>* logits = got.find(Tap::logits, 0);
  const auto tokens = static_cast<int64_t>(call.tokens.size());
  const int64_t rows = normed != nullptr   ? static_cast<int64_t>(normed->size()) / config_->width
                       : logits != nullptr ? static_cast<int64_t>(logits->size()) / config_->vocab
                                           : 0;
  std::span<const double> last;  // all rows, or the last one
  if (input != nullptr) last = std::span(*input).last(static_cast<size_t>(rows * config_->width));
  ComputedStage stage{.tap = Tap::output_norm,
                      .shape = {rows, 1, config_->width},
                      .first_position = call.first + tokens - rows,
                      .how = call.how};
  const gguf::Tensor* weight = weights_->find(Role::output_norm);
  if (normed != nullptr) {
    stage.got = *normed;
    if (input != nullptr) stage.recipe = Normed{last, weight, config_->norm_eps};
    sink(stage);
  }
  if (logits == nullptr) return;
  stage.tap = Tap::logits;
  stage.shape[2] = config_->vocab;
  stage.got = *logits;
  stage.recipe.reset();
  Multiplied op{.matrix = &weights_->head()};
  // Layers in half leave the head in float, but with weights in half; a single row goes the way of a step.
  Products& products = stage.how.products;
  if (products == Products::half_exact) products = Products::any_order;
  if (normed != nullptr) {
    if (products == Products::half) products = Products::tiles;
    op.x = *normed;
    stage.recipe = op;
  } else if (input != nullptr) {
    if (stage.how.halves()) products = Products::rows;
    op.x = last;
    op.norm = weight;
    op.eps = config_->norm_eps;
    stage.recipe = op;
  }
  sink(stage);
}

}  // namespace kigo::tools
