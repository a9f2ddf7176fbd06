#include "tests/kernels/model/rounded_reference.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/check.h"
#include "core/base/half.h"
#include "reference/add.h"
#include "reference/attention.h"
#include "reference/embedding.h"
#include "reference/linear.h"
#include "reference/rmsnorm.h"
#include "reference/rope.h"
#include "reference/swiglu.h"

namespace kigo::test {
namespace {

using model::Role;
using model::Rows;

std::vector<float> values_of(const gguf::Tensor* tensor) {
  if (tensor == nullptr) return {};
  std::vector<float> values(static_cast<size_t>(tensor->elements()));
  tensor->type->decode(tensor->data.data(), static_cast<int64_t>(values.size()), values.data());
  return values;
}

template <class T>
void round_to_half(std::vector<T>& values) {
  for (T& value : values) value = static_cast<T>(to_float(to_f16(double{value})));
}

/// Works on one model and one prompt from position 0.
class Pass {
 public:
  Pass(const model::Model& model, const Rounding& rounding)
      : config_(model.config), weights_(model.weights), rounding_(rounding) {}

  Rows run(std::span<const uint32_t> tokens) {
    const auto count = static_cast<int64_t>(tokens.size());
    for (int64_t t = 0; t < count; ++t) positions_.push_back(t);
    Rows x(count, config_.width);
    const std::vector<float> table = weights(*weights_.find(Role::token_embd), rounding_.embedding);
    KIGO_CHECK(reference::embedding<double>({.ids = {tokens.data(), {count}},
                                             .table = matrix(table, config_.vocab, config_.width),
                                             .y = x.view()})
                   .has_value());
    for (int64_t layer = 0; layer < config_.layers; ++layer) {
      attend(layer, x);
      feed_forward(layer, x);
    }
    return multiply(weights_.head(), nullptr, normed(Role::output_norm, 0, x), rounding_.head);
  }

 private:
  static ops::Matrix<Space::Host> matrix(const std::vector<float>& values, int64_t rows, int64_t cols) {
    return {reinterpret_cast<const std::byte*>(values.data()), quant::find_tensor_type("F32"), rows, cols};
  }
  static std::vector<float> weights(const gguf::Tensor& tensor, bool rounded) {
    std::vector<float> values = values_of(&tensor);
    if (rounded) round_to_half(values);
    return values;
  }

  Rows normed(Role role, int64_t layer, const Rows& x) const {
    const std::vector<float> weight = values_of(weights_.find(role, layer));
    Rows y(x.rows, x.width);
    KIGO_CHECK(
        reference::rmsnorm<double>(
            {.x = x.view(), .weight = {weight.data(), {x.width}}, .y = y.view(), .eps = config_.norm_eps})
            .has_value());
    return y;
  }

  Rows multiply(const gguf::Tensor& tensor, const gguf::Tensor* bias_tensor, Rows x, bool rounded) const {
    const std::vector<float> w = weights(tensor, rounded);
    const std::vector<float> bias = values_of(bias_tensor);
    if (rounded) round_to_half(x.values);
    const auto out = static_cast<int64_t>(tensor.dims[1]);
    Rows y(x.rows, out);
    KIGO_CHECK(reference::linear<double>(
                   {.x = std::as_const(x).view(),
                    .w = matrix(w, out, x.width),
                    .bias = {bias.empty() ? nullptr : bias.data(), {static_cast<int64_t>(bias.size())}},
                    .y = y.view()})
                   .has_value());
    return y;
  }
  Rows product(Role role, int64_t layer, const Rows& x, const gguf::Tensor* bias = nullptr) const {
    return multiply(*weights_.find(role, layer), bias, x, true);
  }

  void turn(Rows& rows, int64_t heads) {
    const bool halves = config_.architecture->position == model::Position::rope_halves;
    const std::vector<float> divisors = values_of(weights_.find(Role::rope_freqs));
    KIGO_CHECK(reference::rope<double>({.x = rows.split(heads),
                                        .positions = {positions_.data(), {rows.rows}},
                                        .y = rows.split(heads),
                                        .pairing = halves ? ops::Pairing::halves : ops::Pairing::neighbours,
                                        .rope_dims = config_.rope_dims,
                                        .base = config_.rope_base,
                                        .factor = config_.rope_factor,
                                        .divisors = {divisors.empty() ? nullptr : divisors.data(),
                                                     {static_cast<int64_t>(divisors.size())}}})
                   .has_value());
  }

  void attend(int64_t layer, Rows& x) {
    const Rows n = normed(Role::attn_norm, layer, x);
    Rows q = product(Role::attn_q, layer, n, weights_.find(Role::attn_q_bias, layer));
    Rows k = product(Role::attn_k, layer, n, weights_.find(Role::attn_k_bias, layer));
    Rows v = product(Role::attn_v, layer, n, weights_.find(Role::attn_v_bias, layer));
    turn(q, config_.heads);
    turn(k, config_.kv_heads);
    if (rounding_.cache == reference::Cache::Half) {
      round_to_half(k.values);
      round_to_half(v.values);
    }
    Rows mix(x.rows, q.width);
    if (rounding_.attention) {
      round_to_half(q.values);
      mix_in_half(q, k, v, mix);
    } else {
      KIGO_CHECK(reference::attention<double>({.q = q.split(config_.heads),
                                               .k = k.split(config_.kv_heads),
                                               .v = v.split(config_.kv_heads),
                                               .y = mix.split(config_.heads)})
                     .has_value());
    }
    add(x, product(Role::attn_output, layer, mix, weights_.find(Role::attn_output_bias, layer)));
  }

  /// y = sum half(e^(score - maximum)) v / sum e^(score - maximum): the sum of weights is of those before the
  /// rounding, as in the kernel.
  void mix_in_half(const Rows& q, const Rows& k, const Rows& v, Rows& y) const {
    const int64_t head_dim = config_.head_dim;
    const auto at = [&](auto& rows, int64_t t, int64_t head) {
      return rows.values.begin() + static_cast<std::ptrdiff_t>(t * rows.width + head * head_dim);
    };
    for (int64_t t = 0; t < q.rows; ++t) {
      for (int64_t h = 0; h < config_.heads; ++h) {
        const int64_t g = h / (config_.heads / config_.kv_heads);
        std::vector<double> weights;
        for (int64_t p = 0; p <= t; ++p) {
          const double dot = std::inner_product(at(q, t, h), at(q, t, h + 1), at(k, p, g), 0.0);
          weights.push_back(dot / std::sqrt(static_cast<double>(head_dim)));
        }
        const double largest = *std::max_element(weights.begin(), weights.end());
        double total = 0;
        for (double& weight : weights) total += weight = std::exp(weight - largest);
        round_to_half(weights);
        for (int64_t i = 0; i < head_dim; ++i) {
          double sum = 0;
          for (int64_t p = 0; p <= t; ++p) sum += weights[static_cast<size_t>(p)] * at(v, p, g)[i];
          at(y, t, h)[i] = sum / total;
        }
      }
    }
  }

  void feed_forward(int64_t layer, Rows& x) {
    const Rows n = normed(Role::ffn_norm, layer, x);
    Rows gate = product(Role::ffn_gate, layer, n);
    const Rows up = product(Role::ffn_up, layer, n);
    KIGO_CHECK(
        reference::swiglu<double>({.gate = gate.view(), .up = up.view(), .y = gate.view()}).has_value());
    add(x, product(Role::ffn_down, layer, gate));
  }

  static void add(Rows& x, const Rows& more) {
    KIGO_CHECK(reference::add<double>({.a = x.view(), .b = more.view(), .y = x.view()}).has_value());
  }

  const model::Config& config_;
  const model::Weights& weights_;
  Rounding rounding_;
  std::vector<int64_t> positions_;
};

}  // namespace

std::vector<double> rounded_logits(const model::Model& model, std::span<const uint32_t> tokens,
                                   const Rounding& rounding) {
  return Pass(model, rounding).run(tokens).values;
}

}  // namespace kigo::test
