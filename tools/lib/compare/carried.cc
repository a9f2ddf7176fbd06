#include "tools/lib/compare/carried.h"

#include <cmath>
#include <numeric>

#include "core/base/random.h"
#include "core/model/session.h"
#include "core/ops/rope.h"
#include "reference/add.h"
#include "reference/attention.h"
#include "reference/linear.h"
#include "reference/rmsnorm.h"
#include "reference/rope.h"
#include "reference/swiglu.h"

namespace kigo::tools {
namespace {

using model::Role;
using model::Rows;

/// One layer, on a prompt from position 0.
class Layer {
 public:
  Layer(const model::Config& config, const model::Weights& weights, int64_t layer)
      : config_(config), weights_(weights), layer_(layer) {}

  Status run(Rows& x) const {
    KIGO_TRY(attend(x));
    return feed_forward(x);
  }

 private:
  std::vector<float> values(Role role) const {
    const gguf::Tensor* tensor = weights_.find(role, layer_);
    if (tensor == nullptr) return {};
    std::vector<float> all(static_cast<size_t>(tensor->elements()));
    tensor->type->decode(tensor->data.data(), static_cast<int64_t>(all.size()), all.data());
    return all;
  }
  static View<const float, 1> view(const std::vector<float>& values) {
    return {values.empty() ? nullptr : values.data(), {static_cast<int64_t>(values.size())}};
  }

  Result<Rows> normed(Role role, const Rows& x) const {
    const std::vector<float> weight = values(role);
    Rows y(x.rows, x.width);
    KIGO_TRY(reference::rmsnorm<double>(
        {.x = x.view(), .weight = view(weight), .y = y.view(), .eps = config_.norm_eps}));
    return y;
  }
  Result<Rows> product(Role role, const Rows& x, std::optional<Role> bias_role = {}) const {
    const gguf::Tensor& tensor = *weights_.find(role, layer_);
    const std::vector<float> bias = bias_role ? values(*bias_role) : std::vector<float>();
    const auto out = static_cast<int64_t>(tensor.dims[1]);
    Rows y(x.rows, out);
    KIGO_TRY(reference::linear<double>({.x = x.view(),
                                        .w = {tensor.data.data(), tensor.type, out, x.width},
                                        .bias = view(bias),
                                        .y = y.view()}));
    return y;
  }
  Status turn(Rows& rows, int64_t heads) const {
    std::vector<int64_t> positions(static_cast<size_t>(rows.rows));
    std::iota(positions.begin(), positions.end(), int64_t{0});
    const std::vector<float> divisors = values(Role::rope_freqs);
    const bool halves = config_.architecture->position == model::Position::rope_halves;
    return reference::rope<double>({.x = rows.split(heads),
                                    .positions = {positions.data(), {rows.rows}},
                                    .y = rows.split(heads),
                                    .pairing = halves ? ops::Pairing::halves : ops::Pairing::neighbours,
                                    .rope_dims = config_.rope_dims,
                                    .base = config_.rope_base,
                                    .factor = config_.rope_factor,
                                    .divisors = view(divisors)});
  }
  static Status add(Rows& x, Rows& more) {
    return reference::add<double>({.a = x.view(), .b = more.view(), .y = x.view()});
  }

  Status attend(Rows& x) const {
    KIGO_ASSIGN(const Rows n, normed(Role::attn_norm, x));
    KIGO_ASSIGN(Rows q, product(Role::attn_q, n, Role::attn_q_bias));
    KIGO_ASSIGN(Rows k, product(Role::attn_k, n, Role::attn_k_bias));
    KIGO_ASSIGN(Rows v, product(Role::attn_v, n, Role::attn_v_bias));
    KIGO_TRY(turn(q, config_.heads));
    KIGO_TRY(turn(k, config_.kv_heads));
    Rows mix(q.rows, q.width);
    KIGO_TRY(reference::attention<double>({.q = q.split(config_.heads),
                                           .k = k.split(config_.kv_heads),
                                           .v = v.split(config_.kv_heads),
                                           .y = mix.split(config_.heads)}));
    KIGO_ASSIGN(Rows out, product(Role::attn_output, mix, Role::attn_output_bias));
    return add(x, out);
  }
  Status feed_forward(Rows& x) const {
    KIGO_ASSIGN(const Rows n, normed(Role::ffn_norm, x));
    KIGO_ASSIGN(Rows gate, product(Role::ffn_gate, n));
    KIGO_ASSIGN(Rows up, product(Role::ffn_up, n));
    KIGO_TRY(reference::swiglu<double>({.gate = gate.view(), .up = up.view(), .y = gate.view()}));
    KIGO_ASSIGN(Rows down, product(Role::ffn_down, gate));
    return add(x, down);
  }

  const model::Config& config_;
  const model::Weights& weights_;
  int64_t layer_;
};

}  // namespace

Result<std::vector<double>> run_layer(const model::Config& config, const model::Weights& weights,
                                      int64_t layer, const std::vector<double>& input) {
  Rows x(static_cast<int64_t>(input.size()) / config.width, config.width);
  x.values = input;
  KIGO_TRY(Layer(config, weights, layer).run(x));
  return std::move(x.values);
}

double relative_distance(const std::vector<double>& a, const std::vector<double>& b) {
  double off = 0, size = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    off += (a[i] - b[i]) * (a[i] - b[i]);
    size += b[i] * b[i];
  }
  return off == 0 ? 0 : std::sqrt(off / size);
}

std::vector<double> with_error(const std::vector<double>& input, double size) {
  Random random(1);
  std::vector<double> error(input.size());
  double wanted = 0, have = 0;
  for (size_t i = 0; i < input.size(); ++i) {
    error[i] = random.normal();
    wanted += input[i] * input[i];
    have += error[i] * error[i];
  }
  const double scale = have == 0 ? 0 : size * std::sqrt(wanted / have);
  for (size_t i = 0; i < input.size(); ++i) error[i] = input[i] + scale * error[i];
  return error;
}

}  // namespace kigo::tools
