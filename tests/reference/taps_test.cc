// The checkpoints that the forward pass hands out: all of them, in order, with their shapes, changing
// nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "core/base/half.h"
#include "reference/linear.h"
#include "reference/linear_fast.h"
#include "reference/linear_half.h"
#include "reference/model.h"
#include "reference/rope.h"
#include "tests/reference/small_model.h"
#include "tests/reference/support.h"

namespace kigo {
namespace {

using reference::Cache;
using reference::Logits;
using reference::Products;
using reference::Session;
using test::SmallModel;

const std::vector<uint32_t> kShortPrompt = {3, 14, 15, 9, 26};

struct Seen {
  std::string name;
  std::array<int64_t, 3> shape;
  std::vector<double> values;
};

std::vector<Seen> taps_of(Session& session, std::span<const uint32_t> tokens, Logits which = Logits::All) {
  std::vector<Seen> seen;
  const auto logits =
      session.forward(tokens, which, [&](model::Tap tap, int64_t layer, View<const double, 3> at) {
        seen.push_back({model::name(tap, layer), at.shape, {at.data, at.data + at.size()}});
      });
  EXPECT_TRUE(logits);
  return seen;
}

const Seen& find(const std::vector<Seen>& taps, const std::string& name) {
  const auto at = std::ranges::find(taps, name, &Seen::name);
  KIGO_CHECK(at != taps.end());
  return *at;
}

TEST(Taps, ComeInTheOrderOfTheirListWithTheirShapes) {
  const SmallModel small;
  Session session = small.session();
  ASSERT_TRUE(session.forward(std::vector<uint32_t>{1, 2}, Logits::Last));
  const std::vector<Seen> taps = taps_of(session, kShortPrompt);
  using Shape = std::array<int64_t, 3>;
  const Shape plain = {5, 1, 64}, query = {5, 4, 16}, key = {5, 2, 16}, cache = {7, 2, 16}, ffn = {5, 1, 96};
  const std::vector<std::pair<std::string, Shape>> of_a_layer = {
      {"attn_norm", plain},   {"attn_q", query},    {"attn_k", key},          {"attn_v", key},
      {"attn_q_rope", query}, {"attn_k_rope", key}, {"cache_k", cache},       {"cache_v", cache},
      {"attn_mix", query},    {"attn_out", plain},  {"attn_residual", plain}, {"ffn_norm", plain},
      {"ffn_gate", ffn},      {"ffn_up", ffn},      {"ffn_act", ffn},         {"ffn_down", plain},
      {"ffn_residual", plain}};
  std::vector<std::pair<std::string, Shape>> want = {{"embed", plain}};
  for (const std::string layer : {"blk.0.", "blk.1."}) {
    for (const auto& [name, shape] : of_a_layer) want.emplace_back(layer + name, shape);
  }
  want.emplace_back("output_norm", plain);
  want.emplace_back("logits", Shape{5, 1, 40});
  std::vector<std::pair<std::string, Shape>> got;
  for (const Seen& tap : taps) got.emplace_back(tap.name, tap.shape);
  EXPECT_EQ(got, want);
}

TEST(Taps, ChangeNoBitOfTheLogits) {
  const SmallModel small;
  Session session = small.session();
  const std::vector<Seen> taps = taps_of(session, kShortPrompt);
  EXPECT_EQ(taps.back().name, "logits");
  EXPECT_EQ(taps.back().values, small.logits(kShortPrompt));
}

TEST(Taps, OfTheLastPositionHaveOneRowAtTheEnd) {
  const SmallModel small;
  Session session = small.session();
  const std::vector<Seen> taps = taps_of(session, kShortPrompt, Logits::Last);
  EXPECT_EQ(find(taps, "output_norm").shape, (std::array<int64_t, 3>{1, 1, 64}));
  EXPECT_EQ(find(taps, "logits").shape, (std::array<int64_t, 3>{1, 1, 40}));
  EXPECT_EQ(find(taps, "blk.1.ffn_residual").shape, (std::array<int64_t, 3>{5, 1, 64}));
}

TEST(Taps, ShowTheCacheAsTheRotatedKeysOfAllCalls) {
  const SmallModel small;
  Session session = small.session();
  const std::vector<Seen> first = taps_of(session, std::span(kShortPrompt).first(2));
  const std::vector<Seen> second = taps_of(session, std::span(kShortPrompt).subspan(2));
  for (const char* layer : {"blk.0.", "blk.1."}) {
    for (const auto& [cache, part] : {std::pair{"cache_k", "attn_k_rope"}, std::pair{"cache_v", "attn_v"}}) {
      std::vector<double> want = find(first, std::string(layer) + part).values;
      const std::vector<double>& rest = find(second, std::string(layer) + part).values;
      want.insert(want.end(), rest.begin(), rest.end());
      EXPECT_EQ(find(second, std::string(layer) + cache).values, want) << layer << cache;
    }
  }
}

TEST(Taps, ShowAHalfCacheRounded) {
  const SmallModel small;
  Session session = small.session(Cache::Half);
  const std::vector<Seen> taps = taps_of(session, kShortPrompt);
  const std::vector<double>& exact = find(taps, "blk.0.attn_k_rope").values;
  const std::vector<double>& kept = find(taps, "blk.0.cache_k").values;
  ASSERT_EQ(kept.size(), exact.size());
  EXPECT_NE(kept, exact);
  for (size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(kept[i], double{to_float(to_f16(exact[i]))});
}

TEST(Taps, AddUpAlongTheResidualStream) {
  const SmallModel small;
  Session session = small.session();
  const std::vector<Seen> taps = taps_of(session, kShortPrompt);
  const auto expect_sum = [&](const std::string& a, const std::string& b, const std::string& sum) {
    for (size_t i = 0; i < find(taps, sum).values.size(); ++i) {
      EXPECT_EQ(find(taps, a).values[i] + find(taps, b).values[i], find(taps, sum).values[i]) << sum << i;
    }
  };
  expect_sum("embed", "blk.0.attn_out", "blk.0.attn_residual");
  expect_sum("blk.0.attn_residual", "blk.0.ffn_down", "blk.0.ffn_residual");
  expect_sum("blk.0.ffn_residual", "blk.1.attn_out", "blk.1.attn_residual");
  expect_sum("blk.1.attn_residual", "blk.1.ffn_down", "blk.1.ffn_residual");
}

TEST(Taps, LeaveTheFirstPositionUnturned) {
  const SmallModel small;
  Session session = small.session();
  const std::vector<Seen> taps = taps_of(session, kShortPrompt);
  const std::vector<double>& before = find(taps, "blk.0.attn_q").values;
  const std::vector<double>& after = find(taps, "blk.0.attn_q_rope").values;
  EXPECT_TRUE(std::equal(before.begin(), before.begin() + 64, after.begin()));
  EXPECT_FALSE(std::equal(before.begin() + 64, before.begin() + 128, after.begin() + 64));
}

TEST(Taps, GiveLayerZeroForWhatNoLayerOwns) {
  const SmallModel small;
  Session session = small.session();
  std::vector<std::pair<model::Tap, int64_t>> got;
  ASSERT_TRUE(
      session.forward(kShortPrompt, Logits::All, [&](model::Tap tap, int64_t layer, View<const double, 3>) {
        if (tap == model::Tap::embed || tap == model::Tap::output_norm || tap == model::Tap::logits)
          got.emplace_back(tap, layer);
      }));
  using Got = std::vector<std::pair<model::Tap, int64_t>>;
  EXPECT_EQ(got, (Got{{model::Tap::embed, 0}, {model::Tap::output_norm, 0}, {model::Tap::logits, 0}}));
}

/// The pairs that an architecture turns: its q after the rotation is that of `rope` with this pairing.
void expect_pairs(const std::string& architecture, ops::Pairing pairing) {
  SmallModel small(SmallModel::Output::Tied, 1, architecture);
  if (architecture == "llama") small.fill("rope_freqs.weight", 1);
  Session session = small.session();
  const std::vector<Seen> taps = taps_of(session, kShortPrompt);
  std::vector<double> q = find(taps, "blk.0.attn_q").values;
  const std::vector<int64_t> positions = {0, 1, 2, 3, 4};
  const View<double, 3> heads(q.data(), {5, 4, 16});
  ASSERT_TRUE(reference::rope<double>({.x = heads,
                                       .positions = {positions.data(), {5}},
                                       .y = heads,
                                       .pairing = pairing,
                                       .rope_dims = small.config.rope_dims,
                                       .base = small.config.rope_base,
                                       .factor = small.config.rope_factor,
                                       .divisors = {}}));
  EXPECT_EQ(q, find(taps, "blk.0.attn_q_rope").values);
}
TEST(Taps, ShowQwen2TurningHalvesAndLlamaTurningNeighbours) {
  expect_pairs("qwen2", ops::Pairing::halves);
  expect_pairs("llama", ops::Pairing::neighbours);
}

/// Whether each product that `products` makes of `tokens` tokens is that of `twin`: ffn_gate, which has no
/// bias, of ffn_norm.
bool gates_are(Products products, size_t tokens,
               const std::function<Status(const ops::Linear<double, Space::Host>&)>& twin) {
  SmallModel small;
  std::vector<float> w;
  for (uint64_t i = 0; i < 96 * 64; ++i) w.push_back(small.get("blk.0.ffn_gate.weight", i));
  Session session(small.config, small.weights, Cache::Double, products);
  const std::vector<Seen> taps = taps_of(session, std::span(kShortPrompt).first(tokens));
  const auto rows = static_cast<int64_t>(tokens);
  std::vector<double> y(tokens * 96);
  EXPECT_TRUE(twin({.x = {find(taps, "blk.0.ffn_norm").values.data(), {rows, 64}},
                    .w = test::f32_matrix(w, 96, 64),
                    .bias = {},
                    .y = {y.data(), {rows, 96}}}));
  return y == find(taps, "blk.0.ffn_gate").values;
}
TEST(Taps, ShowTheProductsThatWereAskedFor) {
  const auto plain = [](const auto& op) { return reference::linear(op); };
  const auto fast = [](const auto& op) { return reference::linear_fast(op); };
  const auto half = [](const auto& op) { return reference::linear_half(op); };
  for (const size_t tokens : {1, 2, 5}) {
    EXPECT_TRUE(gates_are(Products::Plain, tokens, plain));
    EXPECT_TRUE(gates_are(Products::Fast, tokens, fast));
    EXPECT_FALSE(gates_are(Products::Fast, tokens, plain));
    // As a GPU multiplies: prompts in halves, single tokens not.
    EXPECT_EQ(gates_are(Products::Half, tokens, half), tokens > 1);
    EXPECT_EQ(gates_are(Products::Half, tokens, plain), tokens == 1);
  }
}

}  // namespace
}  // namespace kigo
