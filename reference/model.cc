#include "reference/model.h"

#include <algorithm>
#include <new>
#include <optional>

#include "core/base/cat.h"
#include "core/base/fault.h"
#include "core/base/half.h"
#include "reference/add.h"
#include "reference/attention.h"
#include "reference/embedding.h"
#include "reference/linear.h"
#include "reference/linear_fast.h"
#include "reference/linear_half.h"
#include "reference/rmsnorm.h"
#include "reference/rope.h"
#include "reference/swiglu.h"

namespace kigo::reference {

using model::Role;
using model::Tap;

/// What one call of forward works on.
struct Session::Step {
  std::span<const uint32_t> tokens;
  std::vector<int64_t> positions;  // of the tokens
  const TapSink& taps;

  int64_t count() const { return static_cast<int64_t>(tokens.size()); }
  void tap(Tap tap, int64_t layer, Rows& rows, int64_t heads = 1) const {
    if (taps) taps(tap, layer, rows.split(heads));
  }
};

namespace {

ops::Matrix<Space::Host> matrix(const gguf::Tensor& tensor) {
  return {tensor.data.data(), tensor.type, static_cast<int64_t>(tensor.dims[1]),
          static_cast<int64_t>(tensor.dims[0])};
}

/// A norm's weight or a bias, widened; empty when the model has none.
std::vector<float> vector(const gguf::Tensor* tensor) {
  if (tensor == nullptr) return {};
  std::vector<float> values(static_cast<size_t>(tensor->elements()));
  tensor->type->decode(tensor->data.data(), static_cast<int64_t>(values.size()), values.data());
  return values;
}

View<const float, 1> view(const std::vector<float>& values) {
  return {values.empty() ? nullptr : values.data(), {static_cast<int64_t>(values.size())}};
}

/// The same product for the outputs from `first` on alone.
ops::Linear<double, Space::Host> outputs(ops::Linear<double, Space::Host> op, int64_t first, int64_t count) {
  op.w.data += first * op.w.row_bytes();
  op.w.rows = count;
  if (op.bias.data != nullptr) op.bias = {op.bias.data + first, {count}};
  op.y = {op.y.data + first, {op.y.shape[0], count}, op.y.stride};
  return op;
}

std::optional<Role> bias_of(Role weight) {
  switch (weight) {
    case Role::attn_q:
      return Role::attn_q_bias;
    case Role::attn_k:
      return Role::attn_k_bias;
    case Role::attn_v:
      return Role::attn_v_bias;
    case Role::attn_output:
      return Role::attn_output_bias;
    default:
      return std::nullopt;
  }
}

ops::Pairing pairing(const model::Config& config) {
  const bool halves = config.architecture->position == model::Position::rope_halves;
  return halves != (KIGO_FAULT(F75) || KIGO_FAULT(F77)) ? ops::Pairing::halves : ops::Pairing::neighbours;
}

}  // namespace

Session::Session(const model::Config& config, const model::Weights& weights, Cache cache, Products products)
    : config_(&config),
      weights_(&weights),
      cache_(cache),
      products_(products),
      layers_(static_cast<size_t>(config.layers)) {}

Result<Rows> Session::forward(std::span<const uint32_t> tokens, Logits which, const TapSink& taps) try {
  KIGO_TRY(model::check_tokens(tokens, length_, config_->context, config_->vocab));
  Step step{tokens, {}, taps};
  for (int64_t t = 0; t < step.count(); ++t) step.positions.push_back(length_ + t);
  KIGO_ASSIGN(Rows logits, run(step, which));
  length_ += step.count();
  return logits;
} catch (const std::bad_alloc&) {
  return fail(Code::out_of_memory, "prompt", cat(tokens.size(), " tokens after ", length_, " positions"),
              "more memory or fewer tokens");
}

Result<Rows> Session::run(const Step& step, Logits which) {
  const model::Config& config = *config_;
  Rows x(step.count(), config.width);
  KIGO_TRY(embedding<double>({.ids = {step.tokens.data(), {step.count()}},
                              .table = matrix(*weights_->find(Role::token_embd)),
                              .y = x.view()}));
  step.tap(Tap::embed, 0, x);

  for (int64_t layer = 0; layer < config.layers; ++layer) {
    KIGO_TRY(attention_block(step, layer, x));
    KIGO_TRY(ffn_block(step, layer, x));
  }

  if (which == Logits::Last) {
    x.values.erase(x.values.begin(), x.values.end() - config.width);
    x.rows = 1;
  }
  KIGO_TRY(normalise(Role::output_norm, 0, x, x));
  step.tap(Tap::output_norm, 0, x);

  Rows logits(x.rows, config.vocab);
  KIGO_TRY(product({.x = x.view(), .w = matrix(weights_->head()), .bias = {}, .y = logits.view()}));
  step.tap(Tap::logits, 0, logits);
  return logits;
}

/// x += attention(norm(x)) * output matrix
Status Session::attention_block(const Step& step, int64_t layer, Rows& x) {
  const model::Config& config = *config_;
  Rows normed(step.count(), config.width);
  KIGO_TRY(normalise(Role::attn_norm, layer, x, normed));
  step.tap(Tap::attn_norm, layer, normed);

  Rows q(step.count(), config.heads * config.head_dim);
  Rows k(step.count(), config.kv_heads * config.head_dim);
  Rows v(step.count(), config.kv_heads * config.head_dim);
  KIGO_TRY(multiply(Role::attn_q, layer, normed, q));
  KIGO_TRY(multiply(Role::attn_k, layer, normed, k));
  KIGO_TRY(multiply(Role::attn_v, layer, normed, v));
  step.tap(Tap::attn_q, layer, q, config.heads);
  step.tap(Tap::attn_k, layer, k, config.kv_heads);
  step.tap(Tap::attn_v, layer, v, config.kv_heads);

  const std::vector<float> divisors = vector(weights_->find(Role::rope_freqs));
  const auto turn = [&](View<double, 3> heads) {
    return rope<double>({.x = heads,
                         .positions = {step.positions.data(), {step.count()}},
                         .y = heads,
                         .pairing = pairing(config),
                         .rope_dims = config.rope_dims,
                         .base = config.rope_base,
                         .factor = config.rope_factor,
                         .divisors = view(divisors)});
  };
  KIGO_TRY(turn(q.split(config.heads)));
  KIGO_TRY(turn(k.split(config.kv_heads)));
  step.tap(Tap::attn_q_rope, layer, q, config.heads);
  step.tap(Tap::attn_k_rope, layer, k, config.kv_heads);

  Layer& cache = layers_[static_cast<size_t>(layer)];
  store(k, cache.k);
  store(v, cache.v);
  const std::array<int64_t, 3> shape = {length_ + step.count(), config.kv_heads, config.head_dim};
  const View<const double, 3> keys(cache.k.data(), shape);
  const View<const double, 3> values(cache.v.data(), shape);
  if (step.taps) step.taps(Tap::cache_k, layer, keys);
  if (step.taps) step.taps(Tap::cache_v, layer, values);

  Rows mix(step.count(), config.heads * config.head_dim);
  KIGO_TRY(
      attention<double>({.q = q.split(config.heads), .k = keys, .v = values, .y = mix.split(config.heads)}));
  step.tap(Tap::attn_mix, layer, mix, config.heads);

  Rows out(step.count(), config.width);
  KIGO_TRY(multiply(Role::attn_output, layer, mix, out));
  step.tap(Tap::attn_out, layer, out);
  KIGO_TRY(add<double>({.a = x.view(), .b = out.view(), .y = x.view()}));
  step.tap(Tap::attn_residual, layer, x);
  return {};
}

/// x += down(silu(gate(norm(x))) * up(norm(x)))
Status Session::ffn_block(const Step& step, int64_t layer, Rows& x) const {
  const model::Config& config = *config_;
  Rows normed(step.count(), config.width);
  KIGO_TRY(normalise(Role::ffn_norm, layer, x, normed));
  step.tap(Tap::ffn_norm, layer, normed);

  Rows gate(step.count(), config.ffn_width);
  Rows up(step.count(), config.ffn_width);
  KIGO_TRY(multiply(Role::ffn_gate, layer, normed, gate));
  KIGO_TRY(multiply(Role::ffn_up, layer, normed, up));
  step.tap(Tap::ffn_gate, layer, gate);
  step.tap(Tap::ffn_up, layer, up);
  KIGO_TRY(swiglu<double>({.gate = gate.view(), .up = up.view(), .y = gate.view()}));
  step.tap(Tap::ffn_act, layer, gate);

  Rows down(step.count(), config.width);
  KIGO_TRY(multiply(Role::ffn_down, layer, gate, down));
  step.tap(Tap::ffn_down, layer, down);
  KIGO_TRY(add<double>({.a = x.view(), .b = down.view(), .y = x.view()}));
  step.tap(Tap::ffn_residual, layer, x);
  return {};
}

Status Session::normalise(Role role, int64_t layer, const Rows& x, Rows& y) const {
  const std::vector<float> weight = vector(weights_->find(role, layer));
  return rmsnorm<double>({.x = x.view(), .weight = view(weight), .y = y.view(), .eps = config_->norm_eps});
}

Status Session::multiply(Role weight, int64_t layer, const Rows& x, Rows& y) const {
  const std::optional<Role> role = bias_of(weight);
  const std::vector<float> bias = vector(role ? weights_->find(*role, layer) : nullptr);
  const ops::Linear<double, Space::Host> op{
      .x = x.view(), .w = matrix(*weights_->find(weight, layer)), .bias = view(bias), .y = y.view()};
  return products_ == Products::Half && x.rows > 1 ? linear_half(op) : product(op);
}

/// What can be cancelled goes in blocks of output columns, so that the end is never far: each output is a sum
/// of its own, so the blocks change no bit.
Status Session::product(const ops::Linear<double, Space::Host>& op) const {
  constexpr int64_t kBlockTerms = 1 << 24;  // some 10 ms
  const int64_t terms = std::max<int64_t>(op.x.shape[0] * op.w.cols, 1);
  const int64_t block = can_be_cancelled() ? std::max<int64_t>(kBlockTerms / terms, 1) : op.w.rows;
  for (int64_t first = 0; first < op.w.rows; first += block) {
    KIGO_TRY(check_cancelled());
    const ops::Linear<double, Space::Host> part = outputs(op, first, std::min(block, op.w.rows - first));
    KIGO_TRY(products_ == Products::Fast ? linear_fast(part) : linear(part));
  }
  return {};
}

/// Puts the rows of the new tokens behind the `length_` positions that are there.
void Session::store(const Rows& rows, std::vector<double>& cache) const {
  cache.resize(static_cast<size_t>(length_ * rows.width));
  for (const double value : rows.values) {
    cache.push_back(cache_ == Cache::Half ? double{to_float(to_f16(value))} : value);
  }
}

}  // namespace kigo::reference
