// More rules from damage to cause, proven as in causes_test.cc: what goes wrong around the cache, and sums
// that take the wrong terms.
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/half.h"
#include "tests/tools/compare/named.h"
#include "tests/tools/compare/planted.h"
#include "tests/tools/compare/planted_pass.h"
#include "tools/lib/goldens.h"

namespace kigo::test {
namespace {

using model::Role;
using model::Tap;

constexpr int64_t kPrompt = 6;  // tokens of some_calls() before the steps

struct CacheMistake {
  std::string name;
  std::string place;  // how the first bad checkpoint's place begins
  std::string cause;  // its id
  Tap tap;            // where, in layer 0
  std::function<void(const Planting&, const model::Model&)> make;
  std::string file = "/tiny/tiny-q4_k_m.gguf";
};
void PrintTo(const CacheMistake& mistake, std::ostream* out) { *out << mistake.name; }

/// The new positions of a cache hold these rows.
void store(const Planting& at, std::span<const double> rows) {
  std::ranges::copy(rows, at.values.data + at.first * at.values.stride[0]);
}

/// The sum of squares of a row of x, up to an element.
double squares(std::span<const double> x, int64_t row, int64_t width, int64_t until) {
  double sum = 0;
  for (int64_t i = 0; i < until; ++i) sum += std::pow(x[static_cast<size_t>(row * width + i)], 2);
  return sum;
}

/// A norm of layer 0 whose root is that of `wrong(row)`.
void norm_by(const Planting& at, const model::Model& model,
             const std::function<double(std::span<const double> x, int64_t row)>& wrong) {
  const std::vector<double>& x = at.seen.at(Tap::embed);
  const int64_t width = model.config.width;
  for (int64_t t = 0; t < at.values.shape[0]; ++t) {
    const double mean = squares(x, t, width, width) / static_cast<double>(width);
    const double factor = std::sqrt(mean + double{model.config.norm_eps}) / std::sqrt(wrong(x, t));
    for (int64_t i = 0; i < width; ++i) at.values(t, 0, i) *= factor;
  }
}

std::vector<CacheMistake> cache_mistakes() {
  return {
      {"values_for_keys", "blk.0.cache_k, position 0, head 0", "cache-swapped", Tap::cache_k,
       [](const Planting& at, const model::Model&) { store(at, at.seen.at(Tap::attn_v)); }},
      {"keys_for_values", "blk.0.cache_v, position 0, head 0", "cache-swapped", Tap::cache_v,
       [](const Planting& at, const model::Model&) { store(at, at.seen.at(Tap::attn_k_rope)); }},
      {"half_in_a_cache_of_floats", "blk.0.cache_k, position 0, head 0", "cache-type", Tap::cache_k,
       [](const Planting& at, const model::Model&) {
         std::vector<double> rows = at.seen.at(Tap::attn_k_rope);
         for (double& value : rows) value = double{to_float(to_f16(value))};
         store(at, rows);
       }},
      {"cache_not_read", "blk.0.attn_mix, position 6, head 0", "cache-not-read", Tap::attn_mix,
       [](const Planting& at, const model::Model& m) {
         if (at.first < kPrompt) return;
         const auto head = [&m](int64_t h) { return h / (m.config.heads / m.config.kv_heads); };
         attend(at, m.config,
                {.map = head,
                 .scale = 1 / std::sqrt(static_cast<double>(m.config.head_dim)),
                 .first_key = at.first});
       }},
      {"row_of_the_next_id", "embed, position 0", "embedding-id", Tap::embed,
       [](const Planting& at, const model::Model& m) {
         const std::vector<float> table = floats(*m.weights.find(Role::token_embd));
         for (int64_t t = 0; t < at.values.shape[0]; ++t)
           for (int64_t i = 0; i < m.config.width; ++i)
             at.values(t, 0, i) =
                 table[static_cast<size_t>(((at.first + t + 1) * 3 + 1) * m.config.width + i)];
       }},
      {"norm_without_the_mean", "blk.0.attn_norm, position 0", "norm-mean", Tap::attn_norm,
       [](const Planting& at, const model::Model& m) {
         norm_by(at, m, [&m](std::span<const double> x, int64_t t) {
           return squares(x, t, m.config.width, m.config.width) + double{m.config.norm_eps};
         });
       }},
      {"norm_of_whole_tiles", "blk.0.attn_norm, position 0", "partial-tile", Tap::attn_norm,
       [](const Planting& at, const model::Model& m) {  // 384 wide: one tile of 256
         norm_by(at, m, [&m](std::span<const double> x, int64_t t) {
           return squares(x, t, m.config.width, 256) / static_cast<double>(m.config.width) +
                  double{m.config.norm_eps};
         });
       },
       "/haiku/haiku-q4_k_m.gguf"},
      {"product_of_whole_tiles", "blk.0.ffn_down, position 0", "partial-tile", Tap::ffn_down,
       [](const Planting& at, const model::Model& m) {  // 416 wide: six tiles of 64
         const std::vector<float> w = floats(*m.weights.find(Role::ffn_down, 0));
         const std::vector<double>& x = at.seen.at(Tap::ffn_act);
         const int64_t in = m.config.ffn_width;
         for (int64_t t = 0; t < at.values.shape[0]; ++t)
           for (int64_t j = 0; j < m.config.width; ++j) {
             double sum = 0;
             for (int64_t i = 0; i < in / 64 * 64; ++i)
               sum += double{w[static_cast<size_t>(j * in + i)]} * x[static_cast<size_t>(t * in + i)];
             at.values(t, 0, j) = sum;
           }
       }},
      {"product_not_added", "blk.0.ffn_residual, position 0", "product-missing", Tap::ffn_residual,
       [](const Planting& at, const model::Model&) {
         std::ranges::copy(at.seen.at(Tap::attn_residual), at.values.data);
       }},
      {"product_added_twice", "blk.0.ffn_residual, position 0", "added-twice", Tap::ffn_residual,
       [](const Planting& at, const model::Model&) {
         for (int64_t i = 0; i < at.values.size(); ++i)
           at.values.data[i] += at.seen.at(Tap::ffn_down)[static_cast<size_t>(i)];
       }},
  };
}

class CausesOf : public testing::TestWithParam<CacheMistake> {};

TEST_P(CausesOf, AreNamedByMakingTheMistake) {
  const CacheMistake& mistake = GetParam();
  const auto model = model::open(tools::golden_folder() + mistake.file);
  ASSERT_TRUE(model) << model.error().message();
  PlantedSession wrong(*model, [&](const Planting& at) {
    if (at.tap == mistake.tap && at.layer == 0) mistake.make(at, *model);
  });
  reference::Session right(*model);
  const auto report =
      tools::compare_sides(*model, {.name = "reference", .session = &right}, {.name = "b", .session = &wrong},
                           some_calls(model->config.vocab), {.carried = false});
  ASSERT_TRUE(report) << report.error().message();
  expect_named(*report, mistake.place, mistake.cause);
}

INSTANTIATE_TEST_SUITE_P(Each, CausesOf, testing::ValuesIn(cache_mistakes()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace kigo::test
