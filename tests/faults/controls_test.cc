// Negative controls: what is legitimate, however odd it looks, must not be flagged. docs/faults.md, section
// 6; the other controls are tests of their own subjects, which tools/lib/faults/checks.cc names.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/compare/bound.h"
#include "core/compare/close.h"
#include "core/gguf/reader.h"
#include "core/sample/sampler.h"
#include "reference/attention.h"
#include "tests/core/gguf/specimens.h"
#include "tests/reference/small_model.h"

namespace kigo::test {
namespace {

using reference::Logits;

std::vector<uint32_t> tokens_of(size_t count) {
  std::vector<uint32_t> tokens;
  for (size_t i = 0; i < count; ++i) tokens.push_back(static_cast<uint32_t>((7 * i + 3) % 40));
  return tokens;
}

/// The harness on such a model: the same bits at once and in pieces, logits that are finite, and products in
/// another order that it calls right.
void expect_quiet(const SmallModel& model, const std::vector<uint32_t>& tokens) {
  const std::vector<double> at_once = model.logits(tokens);
  EXPECT_TRUE(std::ranges::all_of(at_once, [](double value) { return std::isfinite(value); }));
  reference::Session fast(model.config, model.weights, reference::Cache::Double, reference::Products::Fast);
  const auto other_order = fast.forward(tokens, Logits::All);
  ASSERT_TRUE(other_order);
  EXPECT_LT(compare::nmse(other_order->values, at_once), 1e-10);
  for (const size_t chunk : {1, 7, 64}) {
    reference::Session session = model.session();
    std::vector<double> pieces;
    for (size_t at = 0; at < tokens.size(); at += chunk) {
      const size_t count = std::min(chunk, tokens.size() - at);
      const auto rows = session.forward(std::span(tokens).subspan(at, count), Logits::All);
      ASSERT_TRUE(rows);
      pieces.insert(pieces.end(), rows->values.begin(), rows->values.end());
    }
    const auto report =
        compare::close(pieces, at_once, compare::Bound::exact(), {.name = "logits", .shape = {}});
    EXPECT_TRUE(report) << "chunks of " << chunk << ": " << report.text();
  }
}

TEST(Controls, ChunksOfOneSevenAndSixtyFour) { expect_quiet(SmallModel(), tokens_of(100)); }

TEST(Controls,
     NormsFarFromOne) {  // Qwen2.5-0.5B: output_norm has the mean 7.14 and goes to 16.75, attn_norm 0.033
  SmallModel model;
  model.fill("output_norm.weight", 7.14f);
  model.set("output_norm.weight", 3, 16.75f);
  model.fill("blk.0.attn_norm.weight", 0.033f);
  expect_quiet(model, tokens_of(20));
}

TEST(Controls, BiasesDownToMinus34) {  // and q values near +-16
  SmallModel model;
  for (const char* name : {"blk.0.attn_q.bias", "blk.0.attn_k.bias", "blk.1.attn_v.bias"}) {
    model.fill(name, -16);
    model.set(name, 5, -34);
  }
  expect_quiet(model, tokens_of(20));
}

TEST(Controls, OneHiddenDimensionThatGrows) {  // to 17, in a range of +-30
  SmallModel model;
  for (uint64_t token = 0; token < 40; ++token)
    model.set("token_embd.weight", 64 * token + 9, token % 2 == 0 ? 17.f : 30.f);
  expect_quiet(model, tokens_of(20));
}

TEST(Controls, SoftmaxTermsThatDoNotAddUpToOne) {  // each is 1 before it is divided by the sum
  SmallModel model;
  model.fill("blk.0.attn_q.weight", 0);
  model.fill("blk.0.attn_q.bias", 0);
  expect_quiet(model, tokens_of(20));
}

TEST(Controls, TheSameTokenAgainAndAgain) { expect_quiet(SmallModel(), std::vector<uint32_t>(24, 11)); }

TEST(Controls, AtPositionZeroAttentionGivesTheValues) {
  const SmallModel model;
  reference::Session session = model.session();
  std::vector<double> v, mix;
  const auto keep = [&](model::Tap tap, int64_t layer, View<const double, 3> view) {
    if (layer != 0 || (tap != model::Tap::attn_v && tap != model::Tap::attn_mix)) return;
    auto& into = tap == model::Tap::attn_v ? v : mix;
    into.assign(view.data, view.data + view.size());
  };
  ASSERT_TRUE(session.forward(tokens_of(1), Logits::Last, keep));
  ASSERT_EQ(mix.size(), 2 * v.size());  // two queries share a head of values
  for (size_t i = 0; i < mix.size(); ++i) EXPECT_EQ(mix[i], v[i / 32 * 16 + i % 16]);
}

TEST(Controls, NearEqualTopLogits) {
  const std::vector<float> logits{1, 9, std::nextafter(9.0f, 10.0f), 9};
  EXPECT_EQ(sample::sample(logits, {.temperature = 0}, {}, 0).value_or(99), 2u);
}

TEST(Controls, ACausalMaskMadeAsAMatrix) {  // instead of a loop that ends at the query's own position
  constexpr int64_t kTokens = 7, kHeadDim = 4;
  Random random(3);
  std::vector<double> q, k, v;
  for (auto* rows : {&q, &k, &v})
    for (int64_t i = 0; i < kTokens * kHeadDim; ++i) rows->push_back(random.normal());
  std::vector<double> mix(q.size()), masked(q.size());
  ASSERT_TRUE(reference::attention<double>({.q = {q.data(), {kTokens, 1, kHeadDim}},
                                            .k = {k.data(), {kTokens, 1, kHeadDim}},
                                            .v = {v.data(), {kTokens, 1, kHeadDim}},
                                            .y = {mix.data(), {kTokens, 1, kHeadDim}}}));
  for (int64_t t = 0; t < kTokens; ++t) {
    std::vector<double> weight(kTokens);
    double sum = 0;
    for (int64_t p = 0; p < kTokens; ++p) {
      double dot = p > t ? -INFINITY : 0;
      for (int64_t i = 0; i < kHeadDim; ++i)
        dot += q[static_cast<size_t>(t * kHeadDim + i)] * k[static_cast<size_t>(p * kHeadDim + i)];
      sum += weight[static_cast<size_t>(p)] = std::exp(dot / 2);
    }
    for (int64_t i = 0; i < kHeadDim; ++i)
      for (int64_t p = 0; p < kTokens; ++p)
        masked[static_cast<size_t>(t * kHeadDim + i)] +=
            weight[static_cast<size_t>(p)] / sum * v[static_cast<size_t>(p * kHeadDim + i)];
  }
  EXPECT_TRUE(compare::close(masked, mix, compare::Bound::within(1e-13), {.name = "mix"}));
}

TEST(Controls, PaddingThatIsNotZero) {
  for (const gguf::test::Specimen& specimen : gguf::test::specimens()) {
    const auto clean = gguf::read(specimen.bytes);
    ASSERT_TRUE(clean) << specimen.name;
    std::vector<std::byte> bytes = specimen.bytes;
    std::vector<bool> used(bytes.size());
    std::fill_n(used.begin(), clean->head_bytes, true);
    for (const gguf::Tensor& tensor : clean->tensors)
      std::fill_n(used.begin() + (tensor.data.data() - specimen.bytes.data()), tensor.data.size(), true);
    for (size_t i = 0; i < bytes.size(); ++i)
      if (!used[i]) bytes[i] = std::byte{0xA5};
    const auto found = gguf::read(bytes);
    ASSERT_TRUE(found) << specimen.name << ": " << found.error().message();
    EXPECT_TRUE(*found == *clean) << specimen.name;
  }
}

TEST(Controls, KeysInAnotherOrder) {
  model::ModelFile ordered(2);
  model::ModelFile turned(2);
  gguf::File file = turned.file();
  std::ranges::reverse(file.metadata);
  file.pair_index = {};
  const auto a = model::read_config(ordered.file());
  const auto b = model::read_config(file);
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->width, b->width);
  EXPECT_EQ(a->heads, b->heads);
  EXPECT_EQ(a->rope_base, b->rope_base);
}

}  // namespace
}  // namespace kigo::test
