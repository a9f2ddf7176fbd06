#include "kernels/forward/prefill.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <type_traits>

#include "core/base/fault.h"
#include "kernels/add.h"
#include "kernels/add_bias.h"
#include "kernels/argmax.h"
#include "kernels/convert.h"
#include "kernels/embedding.h"
#include "kernels/forward/decode.h"
#include "kernels/kv_append.h"
#include "kernels/linear_tiles.h"
#include "kernels/paged_attention.h"
#include "kernels/rmsnorm.h"
#include "kernels/rope.h"
#include "kernels/runtime/copy.h"
#include "kernels/runtime/status.h"
#include "kernels/swiglu.h"

namespace kigo::kernels {
namespace {

using model::Role;
using model::Tap;
using Floats = View<float, 2, Space::Device>;  // [tokens, width]
using ConstFloats = View<const float, 2, Space::Device>;

/// Columns from `first` on.
Floats columns(const Floats& rows, int64_t first, int64_t count) {
  return {rows.data + first, {rows.shape[0], count}, rows.stride};
}

/// [tokens, heads * head_dim] as [tokens, heads, head_dim]
template <class T>
View<T, 3, Space::Device> split(const View<T, 2, Space::Device>& rows, int64_t heads) {
  const int64_t head_dim = rows.shape[1] / heads;
  return {rows.data, {rows.shape[0], heads, head_dim}, {rows.stride[0], head_dim, 1}};
}

/// The tokens of a pass.
struct Batch {
  int64_t count = 0;
  int64_t end = 0;  // the position behind the last
  View<const uint32_t, 1, Space::Device> ids;
  View<const int64_t, 1, Space::Device> positions;
  View<const int64_t, 1, Space::Device> query_positions;  // the same, and perhaps more rows to be thrown away
};

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

View<const float, 1, Space::Device> bias(const Engine& engine, Role weight, int64_t layer) {
  const std::optional<Role> role = bias_of(weight);
  return role ? engine.bias(*role, layer) : View<const float, 1, Space::Device>{nullptr, {0}};
}

/// y[t] = x[t] times the product's matrices, biases added; the outputs of several matrices side by side.
Status multiply_precisely(const Engine& engine, Product product, int64_t layer, const ConstFloats& x,
                          const Floats& y) {
  int64_t first = 0;
  for (const Role role : roles(product)) {
    ops::Matrix<Space::Device> w =
        product == Product::head ? engine.packed->head() : engine.packed->matrix(role, layer);
    ConstFloats from = x;
    if (role == Role::ffn_down && KIGO_FAULT(F20)) from.shape[1] = w.cols = w.rows;
    KIGO_TRY(
        linear_tiles({.x = from, .w = w, .bias = bias(engine, role, layer), .y = columns(y, first, w.rows)},
                     engine.stream()));
    first += w.rows;
  }
  return {};
}

/// The same with x and the matrices rounded to half; beta = 1 adds to what is in y.
Status multiply_in_half(const Engine& engine, Product product, int64_t layer, const ConstFloats& x,
                        const Floats& y, float beta) {
  const Stream stream = engine.stream();
  const View<f16, 2, Space::Device> operand = engine.workspace.view<f16>(engine.plan().operand, x.shape);
  KIGO_TRY((convert<float, f16>({.x = x, .y = operand}, stream)));
  View<const f16, 2, Space::Device> w;
  if (engine.half) {
    w = engine.half->matrices(product, layer);
  } else {
    const ProductShape sizes = shape(product, engine.config);
    const View<f16, 2, Space::Device> scratch =
        engine.workspace.view<f16>(engine.plan().matrices, std::array{sizes.out, sizes.in});
    KIGO_TRY(expand(product, layer, *engine.packed, scratch, stream));
    w = scratch;
  }
  KIGO_TRY(matmul_half(*engine.cublas, operand, w, y, beta, stream));
  int64_t first = 0;
  for (const Role role : roles(product)) {
    const View<const float, 1, Space::Device> added = bias(engine, role, layer);
    const auto outputs = static_cast<int64_t>(model::tensor_dims(role, engine.config)[1]);
    const Floats some = columns(y, first, outputs);
    if (added.data != nullptr) KIGO_TRY(add_bias<float>({.x = some, .bias = added, .y = some}, stream));
    first += outputs;
  }
  return {};
}

/// One pass of a batch through the layers. C: the cache's element type.
template <class C>
class Layers {
 public:
  Layers(const Engine& engine, const Sequence& sequence, const Batch& batch, Capture* capture)
      : engine_(engine),
        config_(engine.config),
        sequence_(sequence),
        batch_(batch),
        capture_(capture),
        halves_(engine.options.prefill == Prefill::half),
        x_(rows(engine.plan().x, config_.width)),
        normed_(rows(engine.plan().normed, config_.width)),
        qkv_(rows(engine.plan().qkv, shape(Product::qkv, config_).out)),
        gate_up_(rows(engine.plan().gate_up, 2 * config_.ffn_width)) {}

  Status run() {
    KIGO_TRY(embedding<float>({.ids = batch_.ids, .table = engine_.embedding(), .y = x_}, stream()));
    KIGO_TRY(tap(Tap::embed, 0, x_));
    for (int64_t layer = 0; layer < config_.layers; ++layer) {
      KIGO_TRY(project(layer));
      KIGO_TRY(attend(layer));
      KIGO_TRY(feed_forward(layer));
    }
    return {};
  }

 private:
  Stream stream() const { return engine_.stream(); }
  Floats rows(const Slot<float>& slot, int64_t width) const {
    return engine_.workspace.view<float>(slot, std::array{batch_.count, width});
  }
  Status tap(Tap tap, int64_t layer, const ConstFloats& rows, int64_t heads = 1) {
    return capture_ == nullptr ? Status{} : capture_->rows(tap, layer, rows, heads);
  }
  /// For F37: the input, to be written.
  static Floats out_of(const ConstFloats& in) { return {const_cast<float*>(in.data), in.shape, in.stride}; }
  /// For F21 and F59b: elements of the last token's gate and up, as if no kernel had written them.
  Status spoil(int64_t first, int64_t count, int byte) {
    float* const at = gate_up_.data + (batch_.count - 1) * gate_up_.stride[0] + first;
    return fill(reinterpret_cast<std::byte*>(at), count * static_cast<int64_t>(sizeof(float)),
                static_cast<std::byte>(byte), stream());
  }
  int64_t query_width() const { return config_.heads * config_.head_dim; }
  int64_t key_width() const { return config_.kv_heads * config_.head_dim; }
  Floats q() const { return columns(qkv_, 0, query_width()); }
  Floats k() const { return columns(qkv_, query_width(), key_width()); }
  Floats v() const { return columns(qkv_, query_width() + key_width(), key_width()); }

  Status normalise(Role role, int64_t layer) {
    return rmsnorm<float>(
        {.x = x_, .weight = engine_.vector(role, layer), .y = normed_, .eps = config_.norm_eps}, stream());
  }

  Status multiply(Product product, int64_t layer, const ConstFloats& from, const Floats& to) {
    return halves_ ? multiply_in_half(engine_, product, layer, from, to, 0)
                   : multiply_precisely(engine_, product, layer, from, to);
  }

  /// x += from times the product's matrix. In half cuBLAS adds to x itself, so there is no checkpoint before.
  Status multiply_and_add(Product product, int64_t layer, const ConstFloats& from, Tap product_tap) {
    const bool lost = product == Product::ffn_down && layer == 7 && KIGO_FAULT(F39);
    if (halves_) return multiply_in_half(engine_, product, layer, from, x_, lost ? 0 : 1);
    const Floats out = rows(engine_.plan().out, config_.width);
    if (product == Product::attn_output && KIGO_FAULT(F37))
      KIGO_TRY(multiply_precisely(engine_, product, layer, from, out_of(from)));
    KIGO_TRY(multiply_precisely(engine_, product, layer, from, out));
    KIGO_TRY(tap(product_tap, layer, out));
    return add<float>({.a = x_, .b = out, .y = x_}, stream());
  }

  Status turn(const Floats& rows, int64_t heads) {
    return rope<float>({.x = split<const float>(rows, heads),
                        .positions = batch_.positions,
                        .y = split(rows, heads),
                        .pairing = engine_.pairing(),
                        .rope_dims = config_.rope_dims,
                        .base = engine_.rope_base(),
                        .factor = config_.rope_factor,
                        .divisors = engine_.vector(Role::rope_freqs)},
                       stream());
  }

  /// Queries, keys and values, rotated; keys and values join the cache.
  Status project(int64_t layer) {
    KIGO_TRY(normalise(Role::attn_norm, layer));
    KIGO_TRY(tap(Tap::attn_norm, layer, normed_));
    KIGO_TRY(multiply(Product::qkv, layer, normed_, qkv_));
    KIGO_TRY(tap(Tap::attn_q, layer, q(), config_.heads));
    KIGO_TRY(tap(Tap::attn_k, layer, k(), config_.kv_heads));
    KIGO_TRY(tap(Tap::attn_v, layer, v(), config_.kv_heads));
    KIGO_TRY(turn(q(), config_.heads));
    if (!KIGO_FAULT(F28)) KIGO_TRY(turn(k(), config_.kv_heads));
    KIGO_TRY(tap(Tap::attn_q_rope, layer, q(), config_.heads));
    KIGO_TRY(tap(Tap::attn_k_rope, layer, k(), config_.kv_heads));
    KIGO_TRY(kv_append<C>({.k = split<const float>(k(), config_.kv_heads),
                           .v = split<const float>(v(), config_.kv_heads),
                           .positions = batch_.positions,
                           .cache = engine_.kv.cache<C>(layer, sequence_.table)},
                          stream()));
    if (capture_ == nullptr) return {};
    KIGO_TRY(capture_->cache(Tap::cache_k, layer, engine_.kv, sequence_.held, 0, batch_.end));
    return capture_->cache(Tap::cache_v, layer, engine_.kv, sequence_.held, 0, batch_.end);
  }

  /// A prompt in half multiplies in half here too, where keys and values are halves already. Single rows take
  /// the decode kernel, which is always exact to float.
  ops::Operands attention_operands() const {
    return halves_ && std::is_same_v<C, f16> ? ops::Operands::half : ops::Operands::full;
  }

  Status attend(int64_t layer) {
    const WorkspacePlan& plan = engine_.plan();
    const int64_t queries = batch_.query_positions.shape[0];
    const Floats all_qkv = engine_.workspace.view<float>(plan.qkv, std::array{queries, qkv_.shape[1]});
    const Floats all_mix = engine_.workspace.view<float>(plan.mix, std::array{queries, query_width()});
    KIGO_TRY(paged_attention<C>(
        {.q = split<const float>(columns(all_qkv, 0, query_width()), config_.heads),
         .positions = batch_.query_positions,
         .cache = engine_.kv.cache<const C>(layer, sequence_.table),
         .y = split(all_mix, config_.heads),
         .workspace = engine_.workspace.view<float>(plan.attention, std::array{plan.attention.count}),
         .tickets = engine_.workspace.view<uint32_t>(plan.tickets, std::array{plan.tickets.count}),
         .operands = attention_operands()},
        stream()));
    const Floats mix = rows(plan.mix, query_width());
    KIGO_TRY(tap(Tap::attn_mix, layer, mix, config_.heads));
    KIGO_TRY(multiply_and_add(Product::attn_output, layer, mix, Tap::attn_out));
    return tap(Tap::attn_residual, layer, x_);
  }

  Status feed_forward(int64_t layer) {
    KIGO_TRY(normalise(Role::ffn_norm, layer));
    KIGO_TRY(tap(Tap::ffn_norm, layer, normed_));
    KIGO_TRY(multiply(Product::gate_up, layer, normed_, gate_up_));
    if (KIGO_FAULT(F21)) KIGO_TRY(spoil(config_.width, config_.ffn_width - config_.width, 0xFF));
    if (KIGO_FAULT(F59b)) KIGO_TRY(spoil(config_.ffn_width + 3, 1, 0));
    const Floats gate = columns(gate_up_, 0, config_.ffn_width);
    const Floats up = columns(gate_up_, config_.ffn_width, config_.ffn_width);
    KIGO_TRY(tap(Tap::ffn_gate, layer, gate));
    KIGO_TRY(tap(Tap::ffn_up, layer, up));
    KIGO_TRY(swiglu<float>({.gate = gate, .up = up, .y = gate}, stream()));
    KIGO_TRY(tap(Tap::ffn_act, layer, gate));
    KIGO_TRY(multiply_and_add(Product::ffn_down, layer, gate, Tap::ffn_down));
    return tap(Tap::ffn_residual, layer, x_);
  }

  const Engine& engine_;
  const model::Config& config_;
  const Sequence& sequence_;
  const Batch& batch_;
  Capture* capture_;
  bool halves_;
  Floats x_, normed_, qkv_, gate_up_;
};

Status run(const Engine& engine, const Sequence& sequence, const Batch& batch, Capture* capture) {
  return engine.options.kv == Kv::half ? Layers<f16>(engine, sequence, batch, capture).run()
                                       : Layers<float>(engine, sequence, batch, capture).run();
}

/// Positions for at least kFewestRows queries: those of the chunk, then zeros, where every sequence has a
/// key.
Result<View<const int64_t, 1, Space::Device>> padded_positions(
    const Engine& engine, View<const int64_t, 1, Space::Device> positions) {
  const int64_t count = positions.shape[0];
  if (count >= kFewestRows) return positions;
  const View<int64_t, 1, Space::Device> padded =
      engine.workspace.view<int64_t>(engine.plan().few_positions, std::array{kFewestRows});
  KIGO_TRY(fill(reinterpret_cast<std::byte*>(padded.data + count),
                (kFewestRows - count) * static_cast<int64_t>(sizeof(int64_t)), std::byte{0},
                engine.stream()));
  KIGO_TRY(
      status_of(cudaMemcpyAsync(padded.data, positions.data, static_cast<size_t>(count) * sizeof(int64_t),
                                cudaMemcpyDeviceToDevice, engine.stream()),
                "positions of a chunk"));
  return padded;
}

}  // namespace

Status prefill_chunk(const Engine& engine, const Sequence& sequence, const Chunk& chunk, Capture* capture) {
  const WorkspacePlan& plan = engine.plan();
  Batch batch;
  batch.count = chunk.count;
  batch.end = chunk.first + chunk.count;
  batch.ids = {engine.workspace.data(plan.ids) + chunk.id_offset, {chunk.count}};
  batch.positions = {engine.workspace.data(plan.positions) + chunk.first, {chunk.count}};
  KIGO_ASSIGN(batch.query_positions, padded_positions(engine, batch.positions));
  return run(engine, sequence, batch, capture);
}

Status unfused_step(const Engine& engine, const Sequence& sequence, int64_t position, Capture* capture) {
  StepInput* step = engine.workspace.data(engine.plan().step);
  Batch batch;
  batch.count = 1;
  batch.end = position + 1;
  batch.ids = {&step->token, {1}};
  batch.positions = {&step->position, {1}};
  batch.query_positions = batch.positions;
  return run(engine, sequence, batch, capture);
}

Status logits_of_rows(const Engine& engine, model::Logits which, int64_t first, int64_t count,
                      Capture* capture) {
  const model::Config& config = engine.config;
  const WorkspacePlan& plan = engine.plan();
  const Floats x{engine.workspace.data(plan.x) + first * config.width, {count, config.width}};
  const Floats logits = engine.workspace.view<float>(plan.logits, std::array{count, config.vocab});
  const View<uint32_t, 1, Space::Device> id{engine.workspace.data(plan.id), {1}};
  if (engine.packed && engine.options.prefill == Prefill::half && which == model::Logits::Last) {
    KIGO_TRY(fused_head(engine, x, Overlap::none));
  } else {
    const Floats normed = engine.workspace.view<float>(plan.normed, std::array{count, config.width});
    KIGO_TRY(rmsnorm<float>(
        {.x = x, .weight = engine.vector(Role::output_norm), .y = normed, .eps = config.norm_eps},
        engine.stream()));
    if (capture != nullptr) KIGO_TRY(capture->rows(Tap::output_norm, 0, normed));
    KIGO_TRY(engine.half ? multiply_in_half(engine, Product::head, 0, normed, logits, 0)
                         : multiply_precisely(engine, Product::head, 0, normed, logits));
    if (engine.half && which == model::Logits::Last)
      KIGO_TRY(argmax<float>({.x = logits, .ids = id}, engine.stream()));
  }
  return capture == nullptr ? Status{} : capture->rows(Tap::logits, 0, logits);
}

}  // namespace kigo::kernels
