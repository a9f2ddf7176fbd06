#include "kernels/forward/decode.h"

#include <array>

#include "core/base/fault.h"
#include "kernels/add_bias.h"
#include "kernels/embedding.h"
#include "kernels/forward/prefill.h"
#include "kernels/linear_add.h"
#include "kernels/linear_rows.h"
#include "kernels/norm_gate_up_swiglu.h"
#include "kernels/norm_head_argmax.h"
#include "kernels/norm_qkv_rope_append.h"
#include "kernels/paged_attention.h"
#include "kernels/rmsnorm.h"
#include "kernels/swiglu.h"

namespace kigo::kernels {
namespace {

using model::Role;
using model::Tap;

/// A step of one sequence. C: the cache's element type.
template <class C>
class Step {
 public:
  Step(const Engine& engine, const Sequence& sequence, int64_t position, Capture* capture)
      : engine_(engine),
        config_(engine.config),
        sequence_(sequence),
        position_(position),
        capture_(capture),
        input_(engine.workspace.data(engine.plan().step)),
        x_(row(engine.plan().x, config_.width)),
        q_(row(engine.plan().qkv, config_.heads * config_.head_dim)),
        mix_(row(engine.plan().mix, config_.heads * config_.head_dim)),
        act_(row(engine.plan().gate_up, config_.ffn_width)) {}

  Status run() {
    KIGO_TRY(embedding<float>({.ids = {&input_->token, {1}}, .table = engine_.embedding(), .y = x_},
                              engine_.stream()));
    KIGO_TRY(tap(Tap::embed, 0, x_));
    for (int64_t layer = 0; layer < config_.layers; ++layer) {
      KIGO_TRY(project(layer));
      KIGO_TRY(attend(layer));
      KIGO_TRY(feed_forward(layer));
    }
    KIGO_TRY(fused_head(engine_, x_, overlap()));
    return tap(Tap::logits, 0, row(engine_.plan().logits, config_.vocab));
  }

 private:
  using Row = View<float, 2, Space::Device>;  // [1, width]

  Overlap overlap() const { return engine_.options.overlap; }
  Row row(const Slot<float>& slot, int64_t width) const {
    return engine_.workspace.view<float>(slot, std::array{int64_t{1}, width});
  }
  View<float, 3, Space::Device> heads(const Row& row) const {
    return {row.data, {1, config_.heads, config_.head_dim}};
  }
  View<const int64_t, 1, Space::Device> positions() const { return {&input_->position, {1}}; }
  ops::Matrix<Space::Device> matrix(Role role, int64_t layer) const {
    return engine_.packed->matrix(role, layer);
  }
  ops::Projection<Space::Device> projection(Role weight, Role bias, int64_t layer) const {
    return {.w = matrix(weight, layer), .bias = engine_.bias(bias, layer)};
  }
  Status tap(Tap tap, int64_t layer, const Row& row, int64_t heads = 1) {
    return capture_ == nullptr ? Status{} : capture_->rows(tap, layer, row, heads);
  }
  Status tap_cache(Tap tap, int64_t layer, int64_t first) {
    return capture_ == nullptr
               ? Status{}
               : capture_->cache(tap, layer, engine_.kv, sequence_.held, first, position_ + 1);
  }

  Status project(int64_t layer) {
    KIGO_TRY(norm_qkv_rope_append<C>({.x = x_,
                                      .norm_weight = engine_.vector(Role::attn_norm, layer),
                                      .norm_eps = config_.norm_eps,
                                      .q = projection(Role::attn_q, Role::attn_q_bias, layer),
                                      .k = projection(Role::attn_k, Role::attn_k_bias, layer),
                                      .v = projection(Role::attn_v, Role::attn_v_bias, layer),
                                      .positions = positions(),
                                      .pairing = engine_.pairing(),
                                      .rope_dims = config_.rope_dims,
                                      .rope_base = engine_.rope_base(),
                                      .rope_factor = config_.rope_factor,
                                      .rope_divisors = engine_.vector(Role::rope_freqs),
                                      .y = heads(q_),
                                      .cache = engine_.kv.cache<C>(layer, sequence_.table)},
                                     engine_.stream(), overlap()));
    KIGO_TRY(tap(Tap::attn_q_rope, layer, q_, config_.heads));
    KIGO_TRY(tap_cache(Tap::attn_k_rope, layer, position_));
    KIGO_TRY(tap_cache(Tap::cache_k, layer, 0));
    return tap_cache(Tap::cache_v, layer, 0);
  }

  Status attend(int64_t layer) {
    const WorkspacePlan& plan = engine_.plan();
    KIGO_TRY(paged_attention<C>(
        {.q = heads(q_),
         .positions = positions(),
         .cache = engine_.kv.cache<const C>(layer, sequence_.table),
         .y = heads(mix_),
         .workspace = engine_.workspace.view<float>(plan.attention, std::array{plan.attention.count}),
         .tickets = engine_.workspace.view<uint32_t>(plan.tickets, std::array{plan.tickets.count})},
        engine_.stream()));
    KIGO_TRY(tap(Tap::attn_mix, layer, mix_, config_.heads));
    KIGO_TRY(add_product(Role::attn_output, layer, mix_));
    const View<const float, 1, Space::Device> bias = engine_.vector(Role::attn_output_bias, layer);
    if (bias.data != nullptr) KIGO_TRY(add_bias<float>({.x = x_, .bias = bias, .y = x_}, engine_.stream()));
    return tap(Tap::attn_residual, layer, x_);
  }

  Status activate(int64_t layer) {
    return norm_gate_up_swiglu({.x = x_,
                                .norm_weight = engine_.vector(Role::ffn_norm, layer),
                                .norm_eps = config_.norm_eps,
                                .gate = matrix(Role::ffn_gate, layer),
                                .up = matrix(Role::ffn_up, layer),
                                .y = act_},
                               engine_.stream(), overlap());
  }

#ifdef KIGO_FAULTS
  /// For F66: the same by a kernel each, while somebody is looking.
  Status activate_unfused(int64_t layer) {
    const Row normed = row(engine_.plan().normed, config_.width);
    const Row up{act_.data + config_.ffn_width, act_.shape};
    const Stream stream = engine_.stream();
    KIGO_TRY(rmsnorm<float>(
        {.x = x_, .weight = engine_.vector(Role::ffn_norm, layer), .y = normed, .eps = config_.norm_eps},
        stream));
    KIGO_TRY(linear_rows({.x = normed, .w = matrix(Role::ffn_gate, layer), .bias = {nullptr, {0}}, .y = act_},
                         stream, Overlap::none));
    KIGO_TRY(linear_rows({.x = normed, .w = matrix(Role::ffn_up, layer), .bias = {nullptr, {0}}, .y = up},
                         stream, Overlap::none));
    return swiglu<float>({.gate = act_, .up = up, .y = act_}, stream);
  }
#else
  Status activate_unfused(int64_t) { return {}; }
#endif

  Status feed_forward(int64_t layer) {
    KIGO_TRY(capture_ != nullptr && KIGO_FAULT(F66) ? activate_unfused(layer) : activate(layer));
    KIGO_TRY(tap(Tap::ffn_act, layer, act_));
    KIGO_TRY(add_product(Role::ffn_down, layer, act_));
    return tap(Tap::ffn_residual, layer, x_);
  }

  /// x += from times the matrix.
  Status add_product(Role role, int64_t layer, const Row& from) {
    return linear_add({.x = from, .w = matrix(role, layer), .residual = x_, .y = x_}, engine_.stream(),
                      overlap());
  }

  const Engine& engine_;
  const model::Config& config_;
  const Sequence& sequence_;
  int64_t position_;
  Capture* capture_;
  StepInput* input_;
  Row x_, q_, mix_, act_;
};

}  // namespace

Status decode_step(const Engine& engine, const Sequence& sequence, int64_t position, Capture* capture) {
  if (engine.half) {
    KIGO_TRY(unfused_step(engine, sequence, position, capture));
    return logits_of_rows(engine, model::Logits::Last, 0, 1, capture);
  }
  return engine.options.kv == Kv::half ? Step<f16>(engine, sequence, position, capture).run()
                                       : Step<float>(engine, sequence, position, capture).run();
}

Status fused_head(const Engine& engine, View<const float, 2, Space::Device> x, Overlap overlap) {
  const WorkspacePlan& plan = engine.plan();
  return norm_head_argmax(
      {.x = x,
       .norm_weight = engine.vector(Role::output_norm),
       .norm_eps = engine.config.norm_eps,
       .head = engine.packed->head(),
       .logits = engine.workspace.view<float>(plan.logits, std::array{int64_t{1}, engine.config.vocab}),
       .ids = engine.workspace.view<uint32_t>(plan.id, std::array{int64_t{1}}),
       .workspace = engine.workspace.view<uint64_t>(plan.choice, std::array{plan.choice.count}),
       .ticket = engine.workspace.view<uint32_t>(plan.choice_ticket, std::array{int64_t{1}})},
      engine.stream(), overlap);
}

}  // namespace kigo::kernels
