#include "tests/kernels/model/stages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "core/base/cat.h"
#include "core/base/half.h"
#include "core/compare/close.h"
#include "tests/kernels/model/stage_math.h"

namespace kigo::test {

using model::Role;
using model::Tap;

model::TapSink Checkpoints::sink() {
  return [this](Tap tap, int64_t layer, View<const double, 3> rows) {
    std::vector<double>& all = values_[{tap, layer}];
    // The cache is handed out whole each time; rows of other checkpoints follow those of the chunks before.
    if (tap == Tap::cache_k || tap == Tap::cache_v) all.clear();
    all.insert(all.end(), rows.data, rows.data + rows.size());
  };
}

const std::vector<double>& Checkpoints::at(Tap tap, int64_t layer) const {
  static const std::vector<double> kNone;
  const auto found = values_.find({tap, layer});
  if (found != values_.end()) return found->second;
  ADD_FAILURE() << "no checkpoint " << model::name(tap, layer);
  return kNone;
}

namespace {

/// Walks through the stages of a call.
class Comparison {
 public:
  explicit Comparison(const StagesCase& c)
      : c_(c), config_(c.file->config), weights_(c.file->weights), got_(*c.got) {}

  int64_t run(std::span<const int64_t> layers, bool ends) {
    if (ends) embed();
    for (const int64_t layer : layers) {
      if (fused()) {
        project_fused(layer);
      } else {
        project(layer);
      }
      cache_keeps(layer);
      attend(layer);
      feed_forward(layer);
    }
    if (ends) head();
    return compared_;
  }

 private:
  bool fused() const { return c_.products == Products::rows; }
  bool halves() const { return c_.products == Products::half || c_.products == Products::half_weights; }
  bool kv_half() const { return c_.kv == kernels::Kv::half; }
  const std::vector<double>& got(Tap tap, int64_t layer) const { return got_.at(tap, layer); }
  const gguf::Tensor* tensor(Role role, int64_t layer) const { return weights_.find(role, layer); }
  const std::vector<double>& input_of(int64_t layer) const {
    return layer == 0 ? got(Tap::embed, 0) : got(Tap::ffn_residual, layer - 1);
  }
  Turning turning() const { return {&config_, tensor(Role::rope_freqs, 0), c_.first}; }
  int64_t query_width() const { return config_.heads * config_.head_dim; }
  int64_t key_width() const { return config_.kv_heads * config_.head_dim; }

  void compare(Tap tap, int64_t layer, int64_t width, const Expected& want) {
    compare(model::name(tap, layer), got(tap, layer), width, want);
  }
  void compare(const std::string& name, std::span<const double> values, int64_t width, const Expected& want) {
    compare::Subject subject;
    subject.name = name;
    subject.shape = {static_cast<int64_t>(want.values.size()) / width, width};
    subject.axes = {"token", "element"};
    const compare::Report report =
        compare::close(values, want.values, compare::Bound::each(want.bounds), subject);
    EXPECT_TRUE(report.pass) << report.text();
    ++compared_;
  }

  Expected product(Role role, int64_t layer, std::span<const double> x, std::span<const double> residual = {},
                   const gguf::Tensor* bias = nullptr) const {
    return multiplied({.matrix = tensor(role, layer), .bias = bias, .x = x, .residual = residual},
                      c_.products);
  }
  Expected behind_norm(const gguf::Tensor& matrix, Role norm, int64_t layer, std::span<const double> x,
                       const gguf::Tensor* bias = nullptr) const {
    const std::vector<double> weight = decoded(*tensor(norm, layer));
    return multiplied(
        {.matrix = &matrix, .bias = bias, .x = x, .norm_weight = weight, .norm_eps = config_.norm_eps},
        c_.products);
  }

  void embed() {
    const gguf::Tensor& table = *tensor(Role::token_embd, 0);
    const int64_t row_bytes = config_.width / table.type->block_values * table.type->block_bytes;
    std::vector<float> row(static_cast<size_t>(config_.width));
    Expected want;
    for (const uint32_t id : c_.tokens) {
      table.type->decode(table.data.data() + id * row_bytes, config_.width, row.data());
      want.values.insert(want.values.end(), row.begin(), row.end());
    }
    if (c_.products == Products::half_weights)
      for (double& value : want.values) value = double{to_float(to_f16(value))};
    want.bounds.resize(want.values.size());
    compare(Tap::embed, 0, config_.width, want);
  }

  void project(int64_t layer) {
    compare(Tap::attn_norm, layer, config_.width,
            normed(input_of(layer), *tensor(Role::attn_norm, layer), config_.norm_eps));
    const std::vector<double>& n = got(Tap::attn_norm, layer);
    compare(Tap::attn_q, layer, query_width(),
            product(Role::attn_q, layer, n, {}, tensor(Role::attn_q_bias, layer)));
    compare(Tap::attn_k, layer, key_width(),
            product(Role::attn_k, layer, n, {}, tensor(Role::attn_k_bias, layer)));
    compare(Tap::attn_v, layer, key_width(),
            product(Role::attn_v, layer, n, {}, tensor(Role::attn_v_bias, layer)));
    compare(Tap::attn_q_rope, layer, query_width(),
            turned(exactly(got(Tap::attn_q, layer)), turning(), config_.heads));
    compare(Tap::attn_k_rope, layer, key_width(),
            turned(exactly(got(Tap::attn_k, layer)), turning(), config_.kv_heads));
    // What joins the cache is rounded once, exactly.
    appended(Tap::cache_k, layer, got(Tap::attn_k_rope, layer));
    appended(Tap::cache_v, layer, got(Tap::attn_v, layer));
  }

  void appended(Tap tap, int64_t layer, std::span<const double> rows) {
    Expected want = exactly(rows);
    if (kv_half())
      for (double& value : want.values) value = double{to_float(to_f16(value))};
    compare(cat(model::name(tap, layer), ", new positions"), new_rows(tap, layer), key_width(), want);
  }
  std::span<const double> new_rows(Tap tap, int64_t layer) const {
    const std::span<const double> all = got(tap, layer);
    const size_t old = static_cast<size_t>(c_.first * key_width());
    EXPECT_EQ(all.size(), old + c_.tokens.size() * static_cast<size_t>(key_width()));
    return all.subspan(std::min(old, all.size()));
  }

  /// One launch from the residual stream to queries and cache.
  void project_fused(int64_t layer) {
    const std::vector<double>& x = input_of(layer);
    const auto projected = [&](Role weight, Role bias) {
      return behind_norm(*tensor(weight, layer), Role::attn_norm, layer, x, tensor(bias, layer));
    };
    compare(Tap::attn_q_rope, layer, query_width(),
            turned(projected(Role::attn_q, Role::attn_q_bias), turning(), config_.heads));
    Expected k = turned(projected(Role::attn_k, Role::attn_k_bias), turning(), config_.kv_heads);
    Expected v = projected(Role::attn_v, Role::attn_v_bias);
    if (kv_half()) k = rounded_to_half(std::move(k)), v = rounded_to_half(std::move(v));
    compare(Tap::attn_k_rope, layer, key_width(), k);
    compare(cat(model::name(Tap::cache_k, layer), ", new position"), new_rows(Tap::cache_k, layer),
            key_width(), k);
    compare(cat(model::name(Tap::cache_v, layer), ", new position"), new_rows(Tap::cache_v, layer),
            key_width(), v);
  }

  /// Nothing that was in the cache has changed.
  void cache_keeps(int64_t layer) {
    if (c_.before == nullptr) return;
    for (const Tap tap : {Tap::cache_k, Tap::cache_v}) {
      const std::vector<double>& old = c_.before->at(tap, layer);
      EXPECT_EQ(old.size(), static_cast<size_t>(c_.first * key_width())) << model::name(tap, layer);
      const std::vector<double>& now = got(tap, layer);
      compare(cat(model::name(tap, layer), ", old positions"),
              std::span(now).first(std::min(old.size(), now.size())), key_width(), exactly(old));
    }
  }

  void attend(int64_t layer) {
    compare(Tap::attn_mix, layer, query_width(),
            attended({.q = got(Tap::attn_q_rope, layer),
                      .k = got(Tap::cache_k, layer),
                      .v = got(Tap::cache_v, layer),
                      .heads = config_.heads,
                      .kv_heads = config_.kv_heads,
                      .head_dim = config_.head_dim,
                      .first_position = c_.first,
                      .operands = c_.attention}));
    add_product(Role::attn_output, layer, got(Tap::attn_mix, layer), input_of(layer), Tap::attn_out,
                Tap::attn_residual);
  }

  void feed_forward(int64_t layer) {
    const std::vector<double>& x = got(Tap::attn_residual, layer);
    if (fused()) {
      compare(Tap::ffn_act, layer, config_.ffn_width,
              gated(behind_norm(*tensor(Role::ffn_gate, layer), Role::ffn_norm, layer, x),
                    behind_norm(*tensor(Role::ffn_up, layer), Role::ffn_norm, layer, x)));
    } else {
      compare(Tap::ffn_norm, layer, config_.width,
              normed(x, *tensor(Role::ffn_norm, layer), config_.norm_eps));
      const std::vector<double>& n = got(Tap::ffn_norm, layer);
      compare(Tap::ffn_gate, layer, config_.ffn_width, product(Role::ffn_gate, layer, n));
      compare(Tap::ffn_up, layer, config_.ffn_width, product(Role::ffn_up, layer, n));
      compare(Tap::ffn_act, layer, config_.ffn_width,
              gated(exactly(got(Tap::ffn_gate, layer)), exactly(got(Tap::ffn_up, layer))));
    }
    add_product(Role::ffn_down, layer, got(Tap::ffn_act, layer), x, Tap::ffn_down, Tap::ffn_residual);
  }

  /// A product that joins the residual stream: in one stage, or in two with float tiles.
  void add_product(Role role, int64_t layer, std::span<const double> from, std::span<const double> residual,
                   Tap product_tap, Tap sum_tap) {
    const gguf::Tensor* bias = role == Role::attn_output ? tensor(Role::attn_output_bias, layer) : nullptr;
    if (c_.products != Products::tiles) {
      compare(sum_tap, layer, config_.width, product(role, layer, from, residual, bias));
      return;
    }
    compare(product_tap, layer, config_.width, product(role, layer, from, {}, bias));
    Expected sum = exactly(got(product_tap, layer));
    for (size_t i = 0; i < sum.values.size(); ++i) {
      sum.values[i] += residual[i];
      sum.bounds[i] = 0x1p-24 * std::abs(sum.values[i]) + 0x1p-149;  // rounded once
    }
    compare(sum_tap, layer, config_.width, sum);
  }

  void head() {
    const std::vector<double>& x = got(Tap::ffn_residual, config_.layers - 1);
    const gguf::Tensor& matrix = weights_.head();
    const auto width = static_cast<size_t>(config_.width);
    const size_t rows = got(Tap::logits, 0).size() / static_cast<size_t>(config_.vocab);
    const auto last = std::span(x).last(rows * width);  // all rows, or the last one
    // Layers in half leave the head in float, but with weights in half; a single row goes the way of a step.
    const bool own_norm = got_.has(Tap::output_norm, 0);
    if (!own_norm) {
      const std::vector<double> weight = decoded(*tensor(Role::output_norm, 0));
      compare(Tap::logits, 0, config_.vocab,
              multiplied({.matrix = &matrix, .x = last, .norm_weight = weight, .norm_eps = config_.norm_eps},
                         Products::rows));
      return;
    }
    compare(Tap::output_norm, 0, config_.width,
            normed(last, *tensor(Role::output_norm, 0), config_.norm_eps));
    const bool half_head = c_.products == Products::half_weights;
    compare(Tap::logits, 0, config_.vocab,
            multiplied({.matrix = &matrix, .x = got(Tap::output_norm, 0)},
                       half_head ? Products::half_weights : Products::tiles));
  }

  const StagesCase& c_;
  const model::Config& config_;
  const model::Weights& weights_;
  const Checkpoints& got_;
  int64_t compared_ = 0;
};

}  // namespace

int64_t expect_stages(const StagesCase& c, std::span<const int64_t> layers, bool ends) {
  return Comparison(c).run(layers, ends);
}

}  // namespace kigo::test
