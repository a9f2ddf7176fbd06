// Each rule from damage to cause, proven by a pass that makes the mistake: the cause is named, and said to
// reproduce the damage. The mistakes are written here once more, in plain loops.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>

#include "core/base/file_map.h"
#include "core/base/half.h"
#include "tests/reference/small_model.h"
#include "tests/tools/compare/named.h"
#include "tests/tools/compare/planted.h"
#include "tests/tools/compare/planted_pass.h"
#include "tools/lib/goldens.h"

namespace kigo::test {
namespace {

using model::Role;
using model::Tap;
using tools::CompareReport;

constexpr float kPoison = 1234.5F;

struct Mistake {
  std::string name;
  std::string place;  // how the first bad checkpoint's place begins
  std::string cause;  // its id
  std::function<Fault(const model::Model&)> fault;
  std::string file = "/tiny/tiny-q4_k_m.gguf";
};
void PrintTo(const Mistake& mistake, std::ostream* out) { *out << mistake.name; }

bool at_layer(const Planting& at, Tap tap, int64_t layer = 0) { return at.tap == tap && at.layer == layer; }

/// Rotates rows [tokens, heads, head_dim] as they were before by the angle of position + by.
void rotate(const Planting& at, const model::Model& model, const std::vector<double>& rows, bool halves,
            int64_t by, double base, bool restart = false) {
  const auto [tokens, heads, dim] = at.values.shape;
  const model::Config& config = model.config;
  std::vector<float> divisors(static_cast<size_t>(config.rope_dims / 2), 1);
  if (const gguf::Tensor* tensor = model.weights.find(Role::rope_freqs)) divisors = floats(*tensor);
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t i = 0; i < config.rope_dims / 2; ++i) {
        const double position = static_cast<double>((restart ? 0 : at.first) + t + by);
        const double angle =
            position * std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(config.rope_dims)) /
            double{divisors[static_cast<size_t>(i)]};
        const int64_t one = halves ? i : 2 * i, two = halves ? i + config.rope_dims / 2 : 2 * i + 1;
        const double a = rows[static_cast<size_t>((t * heads + h) * dim + one)];
        const double b = rows[static_cast<size_t>((t * heads + h) * dim + two)];
        at.values(t, h, one) = a * std::cos(angle) - b * std::sin(angle);
        at.values(t, h, two) = a * std::sin(angle) + b * std::cos(angle);
      }
}

Fault rotated(const model::Model& model, bool halves, int64_t by, double base, bool restart = false) {
  return [&model, halves, by, base, restart](const Planting& at) {
    if (at_layer(at, Tap::attn_q_rope)) rotate(at, model, at.seen.at(Tap::attn_q), halves, by, base, restart);
  };
}

Fault attending(const model::Model& model, Attention how) {
  return [&model, how](const Planting& at) {
    if (at_layer(at, Tap::attn_mix)) attend(at, model.config, how);
  };
}
int64_t right_head(const model::Model& model, int64_t h) {
  return h / (model.config.heads / model.config.kv_heads);
}
double right_scale(const model::Model& model) {
  return 1 / std::sqrt(static_cast<double>(model.config.head_dim));
}

Fault each_value(Tap tap, std::function<double(const Planting&, int64_t flat)> value) {
  return [tap, value](const Planting& at) {
    if (!at_layer(at, tap)) return;
    for (int64_t i = 0; i < at.values.size(); ++i) at.values.data[i] = value(at, i);
  };
}
double seen(const Planting& at, Tap tap, int64_t i) { return at.seen.at(tap)[static_cast<size_t>(i)]; }

std::vector<Mistake> mistakes() {
  return {
      {"rope_pairing", "blk.0.attn_q_rope, position 1, head 0", "rope-pairing",
       [](const model::Model& m) { return rotated(m, false, 0, double{m.config.rope_base}); }},
      {"rope_pairing_llama", "blk.0.attn_q_rope, position 1, head 0", "rope-pairing",
       [](const model::Model& m) { return rotated(m, true, 0, double{m.config.rope_base}); },
       "/tiny/llama-q4_k_m.gguf"},
      {"rope_position_plus_one", "blk.0.attn_q_rope, position 0, head 0", "rope-position",
       [](const model::Model& m) { return rotated(m, true, 1, double{m.config.rope_base}); }},
      {"rope_position_restarts", "blk.0.attn_q_rope, position 6, head 0", "rope-position",
       [](const model::Model& m) { return rotated(m, true, 0, double{m.config.rope_base}, true); }},
      {"rope_base", "blk.0.attn_q_rope, position 1, head 0", "rope-base",
       [](const model::Model& m) { return rotated(m, true, 0, m.config.rope_base == 10000 ? 1e6 : 1e4); }},
      {"rope_missing", "blk.0.attn_k_rope, position 1, head 0", "rope-missing",
       [](const model::Model&) {
         return [](const Planting& at) {
           if (at_layer(at, Tap::attn_k_rope)) std::ranges::copy(at.seen.at(Tap::attn_k), at.values.data);
         };
       }},
      {"head_map", "blk.0.attn_mix, position 0, head 1", "head-map",
       [](const model::Model& m) {
         return attending(m, {[&m](int64_t h) { return h % m.config.kv_heads; }, right_scale(m)});
       }},
      {"attention_scale", "blk.0.attn_mix, position 1, head 0", "attention-scale",
       [](const model::Model& m) {
         return attending(
             m, {[&m](int64_t h) { return right_head(m, h); }, 1 / static_cast<double>(m.config.head_dim)});
       }},
      {"newest_left_out", "blk.0.attn_mix, position 0, head 0", "causal",
       [](const model::Model& m) {
         return attending(m, {[&m](int64_t h) { return right_head(m, h); }, right_scale(m), -1});
       }},
      {"one_ahead", "blk.0.attn_mix, position 0, head 0", "causal",
       [](const model::Model& m) {
         return attending(m, {[&m](int64_t h) { return right_head(m, h); }, right_scale(m), 1});
       }},
      {"cache_layer", "blk.0.cache_k, position 0, head 0", "cache-layer",
       [](const model::Model&) -> Fault {
         // One cache for both layers: in later calls layer 0 finds what layer 1 left.
         auto last = std::make_shared<std::vector<double>>();
         return [last](const Planting& at) {
           if (at_layer(at, Tap::cache_k, 1)) last->assign(at.values.data, at.values.data + at.values.size());
           if (at_layer(at, Tap::cache_k, 0) && at.first == 6)
             std::copy_n(last->begin(), last->size(), at.values.data);
         };
       }},
      {"cache_position", "blk.0.cache_k, position 1, head 0", "cache-position",
       [](const model::Model&) -> Fault {
         return [](const Planting& at) {
           if (!at_layer(at, Tap::cache_k) || at.first != 6) return;
           const int64_t row = at.values.stride[0];
           std::copy_backward(at.values.data, at.values.data + 5 * row, at.values.data + 6 * row);
         };
       }},
      {"second_head_unwritten", "blk.0.cache_v, position 0, head 1", "cache-head-unwritten",
       [](const model::Model&) -> Fault {
         return [](const Planting& at) {
           if (!at_layer(at, Tap::cache_v)) return;
           for (int64_t t = at.first; t < at.values.shape[0]; ++t)
             for (int64_t i = 0; i < at.values.shape[2]; ++i) at.values(t, 1, i) = 0;
         };
       }},
      {"decode_does_not_write", "blk.0.cache_k, position 6, head 0", "cache-unwritten",
       [](const model::Model&) -> Fault {
         return [](const Planting& at) {
           if (!at_layer(at, Tap::cache_k) || at.first < 6) return;
           for (int64_t i = at.first * at.values.stride[0]; i < at.values.size(); ++i)
             at.values.data[i] = double{kPoison};
         };
       }},
      {"keys_not_rotated", "blk.0.cache_k, position 1, head 0", "cache-unrotated",
       [](const model::Model&) -> Fault {
         return [](const Planting& at) {
           if (at_layer(at, Tap::cache_k))
             std::ranges::copy(at.seen.at(Tap::attn_k), at.values.data + at.first * at.values.stride[0]);
         };
       }},
      {"bias_missing", "blk.0.attn_k, position 0, head 0", "bias-missing",
       [](const model::Model& m) {
         const std::vector<float> bias = floats(*m.weights.find(Role::attn_k_bias, 0));
         return each_value(Tap::attn_k, [bias](const Planting& at, int64_t i) {
           return at.values.data[i] - double{bias[static_cast<size_t>(i) % bias.size()]};
         });
       }},
      {"vocabulary_cut_off", "logits, position 0", "truncated",
       [](const model::Model&) -> Fault {
         return [](const Planting& at) {
           if (at.tap != Tap::logits) return;
           for (int64_t t = 0; t < at.values.shape[0]; ++t)
             for (int64_t i = 300; i < at.values.shape[2]; ++i) at.values(t, 0, i) = 0;
         };
       }},
      {"swapped_activation", "blk.0.ffn_act, position 0", "swapped-gate-up",
       [](const model::Model&) {
         return each_value(Tap::ffn_act, [](const Planting& at, int64_t i) {
           const double gate = seen(at, Tap::ffn_gate, i), up = seen(at, Tap::ffn_up, i);
           return up / (1 + std::exp(-up)) * gate;
         });
       }},
      {"gelu", "blk.0.ffn_act, position 0", "activation",
       [](const model::Model&) {
         return each_value(Tap::ffn_act, [](const Planting& at, int64_t i) {
           const double gate = seen(at, Tap::ffn_gate, i);
           return gate * 0.5 * std::erfc(-gate / std::sqrt(2.0)) * seen(at, Tap::ffn_up, i);
         });
       }},
      {"stale", "blk.0.ffn_norm, position 6", "stale",
       [](const model::Model&) -> Fault {
         auto last = std::make_shared<std::vector<double>>();
         return [last](const Planting& at) {  // the kernel does not run in the second call
           if (at.tap == Tap::ffn_norm && at.layer == 0 && at.first == 6)
             std::copy_n(last->begin(), at.values.size(), at.values.data);
           if (at.tap == Tap::ffn_norm) last->assign(at.values.data, at.values.data + at.values.size());
         };
       }},
      {"never_written", "blk.0.ffn_up, position 0", "unwritten",
       [](const model::Model&) {
         return each_value(Tap::ffn_up, [](const Planting&, int64_t) { return double{kPoison}; });
       }},
      {"token_shift", "blk.0.attn_out, position 1", "token-shift",
       [](const model::Model&) -> Fault {
         return [](const Planting& at) {
           if (!at_layer(at, Tap::attn_out) || at.first != 0) return;
           std::copy_backward(at.values.data, at.values.data + 5 * at.values.stride[0],
                              at.values.data + 6 * at.values.stride[0]);
         };
       }},
      {"residual_missing", "blk.0.ffn_residual, position 0", "residual-missing",
       [](const model::Model&) {
         return each_value(Tap::ffn_residual,
                           [](const Planting& at, int64_t i) { return seen(at, Tap::ffn_down, i); });
       }},
      {"norm_weight_missing", "blk.0.attn_norm, position 0", "norm-weight",
       [](const model::Model& m) {
         const std::vector<float> weight = floats(*m.weights.find(Role::attn_norm, 0));
         return each_value(Tap::attn_norm, [weight](const Planting& at, int64_t i) {
           return at.values.data[i] / double{weight[static_cast<size_t>(i) % weight.size()]};
         });
       }},
      {"eps_outside_the_root", "blk.0.attn_norm, position 0", "norm-eps",
       [](const model::Model& m) -> Fault {
         return [&m](const Planting& at) {
           if (!at_layer(at, Tap::attn_norm)) return;
           const std::vector<double>& x = at.seen.at(Tap::embed);
           const auto width = at.values.shape[2];
           for (int64_t t = 0; t < at.values.shape[0]; ++t) {
             double squares = 0;
             for (int64_t i = 0; i < width; ++i)
               squares += std::pow(x[static_cast<size_t>(t * width + i)], 2);
             const double mean = squares / static_cast<double>(width), eps = double{m.config.norm_eps};
             for (int64_t i = 0; i < width; ++i)
               at.values(t, 0, i) *= std::sqrt(mean + eps) / (std::sqrt(mean) + eps);
           }
         };
       }},
      {"rounded_to_half", "blk.0.ffn_gate, position 0", "rounded-half",
       [](const model::Model&) {
         return each_value(Tap::ffn_gate, [](const Planting& at, int64_t i) {
           return double{to_float(to_f16(at.values.data[i]))};
         });
       }},
      {"embedding_transposed", "embed, position 0", "embedding-transposed",
       [](const model::Model& m) -> Fault {
         const std::vector<float> table = floats(*m.weights.find(Role::token_embd));
         return [&m, table](const Planting& at) {
           if (at.tap != Tap::embed) return;
           for (int64_t t = 0; t < at.values.shape[0]; ++t)
             for (int64_t i = 0; i < m.config.width; ++i)
               at.values(t, 0, i) =
                   double{table[static_cast<size_t>(i * m.config.vocab + (at.first + t + 1) * 3)]};
         };
       }},
  };
}

class Causes : public testing::TestWithParam<Mistake> {};

TEST_P(Causes, AreNamedByMakingTheMistake) {
  const model::Model model = *model::open(tools::golden_folder() + GetParam().file);
  PlantedSession wrong(model, GetParam().fault(model));
  reference::Session right(model);
  const auto report =
      tools::compare_sides(model, {.name = "reference", .session = &right}, {.name = "b", .session = &wrong},
                           some_calls(model.config.vocab), {.carried = false});
  ASSERT_TRUE(report) << report.error().message();
  expect_named(*report, GetParam().place, GetParam().cause);
}

INSTANTIATE_TEST_SUITE_P(Each, Causes, testing::ValuesIn(mistakes()),
                         [](const auto& instance) { return instance.param.name; });

CompareReport compared(const SmallModel& model, Fault fault) {
  PlantedSession wrong(model.config, model.weights, std::move(fault));
  reference::Session right(model.config, model.weights);
  return *tools::compare_sides(model.config, model.weights, {.name = "reference", .session = &right},
                               {.name = "b", .session = &wrong}, some_calls(model.config.vocab),
                               {.carried = false});
}

void scale(SmallModel& model, const std::string& tensor, float factor) {
  for (uint64_t i = 0; i < model.tensor_size(tensor); ++i)
    model.set(tensor, i, model.get(tensor, i) * factor);
}

TEST(CausesOfNaN, SoftmaxWithoutTheMaximum) {
  SmallModel model;
  scale(model, "blk.0.attn_q.weight", 60);
  const CompareReport report = compared(model, [&](const Planting& at) {
    if (!at_layer(at, Tap::attn_mix)) return;
    const double root = 1 / std::sqrt(static_cast<double>(model.config.head_dim));
    attend(at, model.config, {[](int64_t h) { return h / 2; }, root, 0, true});
  });
  expect_named(report, "blk.0.attn_mix", "softmax-max");
  EXPECT_TRUE(report.first_bad()->non_finite.has_value());
}

TEST(CausesOfNaN, AnOverflowOfHalf) {
  SmallModel model;
  scale(model, "blk.0.ffn_up.weight", 1e5F);
  const CompareReport report = compared(model, [&](const Planting& at) {
    if (!at_layer(at, Tap::ffn_up)) return;
    for (int64_t i = 0; i < at.values.size(); ++i)
      if (std::abs(at.values.data[i]) > 65504)
        at.values.data[i] = std::copysign(std::numeric_limits<double>::infinity(), at.values.data[i]);
  });
  expect_named(report, "blk.0.ffn_up", "half-overflow");
}

}  // namespace
}  // namespace kigo::test
