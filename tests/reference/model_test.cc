// The wiring of the forward pass on small seeded models. That it is the right wiring, logits from outside
// say: tests/golden/logits_test.cc.
#include "reference/model.h"

#include <gtest/gtest.h>

#include <utility>

#include "core/base/half.h"
#include "tests/reference/small_model.h"

namespace kigo {
namespace {

using model::Tap;
using reference::Cache;
using reference::Logits;
using reference::Products;
using reference::Rows;
using reference::Session;
using test::SmallModel;

const std::vector<uint32_t> kPrompt = {3, 14, 15, 9, 26, 5, 35, 8, 9, 7, 9, 32};

/// The logits of all positions when the prompt arrives in chunks of these sizes.
std::vector<double> in_chunks(Session session, std::span<const uint32_t> tokens, std::vector<size_t> sizes) {
  std::vector<double> logits;
  for (const size_t size : sizes) {
    const Result<Rows> rows = session.forward(tokens.first(size), Logits::All);
    EXPECT_TRUE(rows);
    if (rows) logits.insert(logits.end(), rows->values.begin(), rows->values.end());
    tokens = tokens.subspan(size);
  }
  EXPECT_TRUE(tokens.empty());
  return logits;
}

std::vector<double> row(const std::vector<double>& logits, int64_t r) {
  return {logits.begin() + r * 40, logits.begin() + (r + 1) * 40};
}

/// Mean squared difference as a share of the mean square.
double nmse(const std::vector<double>& got, const std::vector<double>& want) {
  double error = 0, power = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    error += (got[i] - want[i]) * (got[i] - want[i]);
    power += want[i] * want[i];
  }
  return error / power;
}

struct ForwardOf : testing::TestWithParam<SmallModel::Output> {
  SmallModel small{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Output, ForwardOf,
                         testing::Values(SmallModel::Output::Tied, SmallModel::Output::Untied));

TEST_P(ForwardOf, PrefillHasTheBitsOfDecodingStepByStep) {
  EXPECT_EQ(in_chunks(small.session(), kPrompt, std::vector<size_t>(12, 1)), small.logits(kPrompt));
}
TEST_P(ForwardOf, PrefillHasTheBitsOfDecodingStepByStepWithFastProducts) {
  const auto fast = [&] { return Session(small.config, small.weights, Cache::Double, Products::Fast); };
  EXPECT_EQ(in_chunks(fast(), kPrompt, std::vector<size_t>(12, 1)), in_chunks(fast(), kPrompt, {12}));
}
TEST_P(ForwardOf, FastProductsAreNearTheDoubleOnesAndNotThose) {
  const Session fast(small.config, small.weights, Cache::Double, Products::Fast);
  const double error = nmse(in_chunks(fast, kPrompt, {12}), small.logits(kPrompt));
  // Each product is off by about 2^-24 times its terms at random: noise of 4e-15, which some twenty products
  // on the way to the logits, and the softmax of the attention, multiply.
  EXPECT_LT(error, 1e-12);
  EXPECT_GT(error, 1e-16);
}
TEST_P(ForwardOf, ChunkedPrefillHasTheSameBits) {
  EXPECT_EQ(in_chunks(small.session(), kPrompt, {7, 1, 4}), small.logits(kPrompt));
  EXPECT_EQ(in_chunks(small.session(), kPrompt, {2, 10}), small.logits(kPrompt));
}
TEST_P(ForwardOf, TheLastRowAloneHasTheBitsOfTheLastOfAll) {
  Session session = small.session();
  const Result<Rows> last = session.forward(kPrompt, Logits::Last);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->rows, 1);
  EXPECT_EQ(last->width, 40);
  EXPECT_EQ(last->values, row(small.logits(kPrompt), 11));
}

TEST(Forward, GivesTheHeadTimesTheNormedEmbeddingWhenTheBlocksAddNothing) {
  SmallModel small(SmallModel::Output::Untied);
  for (const char* name : {"blk.0.attn_output.weight", "blk.0.ffn_down.weight", "blk.1.attn_output.weight",
                           "blk.1.ffn_down.weight", "token_embd.weight", "output.weight"}) {
    small.fill(name, 0);
  }
  // Token 5 is (24, 32, 0, ...): mean square (576 + 1024) / 64 = 25, root 5. Weights 2 and 3 make it (9.6,
  // 19.2, 0, ...); the head's row 7 reads the first element, row 8 the first minus half of the second.
  small.set("token_embd.weight", 5 * 64, 24);
  small.set("token_embd.weight", 5 * 64 + 1, 32);
  small.set("output_norm.weight", 0, 2);
  small.set("output_norm.weight", 1, 3);
  small.set("output.weight", 7 * 64, 1);
  small.set("output.weight", 8 * 64, 1);
  small.set("output.weight", 8 * 64 + 1, -0.5);
  const std::vector<double> logits = small.logits(std::vector<uint32_t>{5});
  for (size_t id = 0; id < 40; ++id) {
    EXPECT_NEAR(logits[id], id == 7 ? 9.6 : 0.0, 1e-6) << id;  // eps is 1e-6 beside 25
  }
}

TEST(Forward, TakesTheEmbeddingForTheHeadWhenTied) {
  SmallModel tied(SmallModel::Output::Tied);
  SmallModel untied(SmallModel::Output::Untied);
  for (uint64_t i = 0; i < 64 * 40; ++i) untied.set("output.weight", i, tied.get("token_embd.weight", i));
  for (const std::string& name : tied.tensor_names()) {
    const uint64_t count = untied.tensor_size(name);
    for (uint64_t i = 0; i < count; ++i) untied.set(name, i, tied.get(name, i));
  }
  EXPECT_EQ(tied.logits(kPrompt), untied.logits(kPrompt));
}

TEST(Forward, HangsOnEveryTensor) {
  SmallModel small(SmallModel::Output::Untied);
  const std::vector<double> before = small.logits(kPrompt);
  for (const std::string& name : small.tensor_names()) {
    // Element 3 of a row that the prompt uses.
    const uint64_t at = name == "token_embd.weight" ? 9 * 64 + 3 : 3;
    const float was = small.get(name, at);
    small.set(name, at, was + 0.5f);
    EXPECT_GT(nmse(small.logits(kPrompt), before), 1e-9) << name;
    small.set(name, at, was);
  }
  EXPECT_EQ(small.logits(kPrompt), before);
}

TEST(Forward, ReadsABiasOfKThroughThePositionsOnly) {
  // A bias added to all keys after the rotation would move every score of a query alike and cancel in the
  // softmax. Added before, as it must be, it moves them differently.
  SmallModel small;
  const std::vector<double> before = small.logits(kPrompt);
  for (uint64_t i = 0; i < 32; ++i) small.set("blk.0.attn_k.bias", i, small.get("blk.0.attn_k.bias", i) + 1);
  EXPECT_GT(nmse(small.logits(kPrompt), before), 1e-6);
}

TEST(Forward, PermutingThePromptChangesTheLogits) {
  const SmallModel small;
  std::vector<uint32_t> permuted = kPrompt;
  std::swap(permuted[1], permuted[6]);
  EXPECT_GT(nmse(row(small.logits(permuted), 11), row(small.logits(kPrompt), 11)), 1e-4);
}

TEST(Forward, NoTokenSeesALaterOne) {
  const SmallModel small;
  std::vector<uint32_t> changed = kPrompt;
  changed[8] = 1;
  const std::vector<double> before = small.logits(kPrompt);
  const std::vector<double> after = small.logits(changed);
  for (int64_t t = 0; t < 8; ++t) EXPECT_EQ(row(before, t), row(after, t)) << t;
  for (int64_t t = 8; t < 12; ++t) EXPECT_NE(row(before, t), row(after, t)) << t;
}

TEST(Forward, ResetForgetsEverything) {
  const SmallModel small;
  Session session = small.session();
  ASSERT_TRUE(session.forward(std::vector<uint32_t>{1, 2, 3, 4}, Logits::Last));
  EXPECT_EQ(session.length(), 4);
  session.reset();
  EXPECT_EQ(session.length(), 0);
  EXPECT_EQ(in_chunks(session, kPrompt, {5, 7}), small.logits(kPrompt));
}

TEST(Forward, KeepsTwoSessionsApart) {
  const SmallModel small;
  Session one = small.session();
  Session other = small.session();
  ASSERT_TRUE(one.forward(std::span(kPrompt).first(6), Logits::Last));
  ASSERT_TRUE(other.forward(std::vector<uint32_t>{1, 2, 3, 4, 5, 6}, Logits::Last));
  const Result<Rows> rest = one.forward(std::span(kPrompt).subspan(6), Logits::Last);
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->values, row(small.logits(kPrompt), 11));
}

TEST(HalfCache, DiffersFromTheDoubleOneByWhatHalfCanHold) {
  const SmallModel small;
  const std::vector<double> exact = small.logits(kPrompt);
  const std::vector<double> rounded = small.logits(kPrompt, Cache::Half);
  // Each key and value is off by at most 2^-11 of itself, 2^-11 / sqrt(3) on average: an NMSE of 8e-8 each
  // for K and V, in two layers, on a part of the residual stream. Ten times that for the way through the
  // layers.
  EXPECT_GT(nmse(rounded, exact), 0);
  EXPECT_LT(nmse(rounded, exact), 3e-6);
}

TEST(HalfCache, PrefillHasTheBitsOfDecodingStepByStep) {
  const SmallModel small;
  EXPECT_EQ(in_chunks(small.session(Cache::Half), kPrompt, std::vector<size_t>(12, 1)),
            small.logits(kPrompt, Cache::Half));
}

struct Refusal : testing::Test {
  SmallModel small;
  Session session = small.session();
  void SetUp() override { ASSERT_TRUE(session.forward(std::span(kPrompt).first(5), Logits::Last)); }
  std::string refusal(const std::vector<uint32_t>& tokens) {
    const Result<Rows> rows = session.forward(tokens, Logits::Last);
    return rows ? "accepted" : rows.error().message();
  }
  /// The session goes on as if the refused call had never been.
  void TearDown() override {
    EXPECT_EQ(session.length(), 5);
    const Result<Rows> rest = session.forward(std::span(kPrompt).subspan(5), Logits::Last);
    ASSERT_TRUE(rest);
    EXPECT_EQ(rest->values, row(small.logits(kPrompt), 11));
  }
};

TEST_F(Refusal, NamesAPromptBeyondTheContext) {
  EXPECT_EQ(refusal(std::vector<uint32_t>(124, 1)),
            "prompt: 124 tokens after 5 positions, expected at most 123 (context_overflow)");
}
TEST_F(Refusal, NamesAnIdBeyondTheVocabulary) {
  EXPECT_EQ(refusal({1, 2, 40}), "token 2: id 40, expected an id below 40 (invalid_request)");
}
TEST_F(Refusal, NamesAnEmptyPrompt) {
  EXPECT_EQ(refusal({}), "prompt: no tokens, expected at least 1 (invalid_request)");
}

TEST(Context, HoldsAsManyTokensAsTheModelSays) {
  const SmallModel small;
  Session session = small.session();
  const std::vector<uint32_t> full(128, 1);
  ASSERT_TRUE(session.forward(full, Logits::Last));
  EXPECT_EQ(session.length(), 128);
  const Result<Rows> more = session.forward(std::vector<uint32_t>{1}, Logits::Last);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().message(),
            "prompt: 1 tokens after 128 positions, expected at most 0 (context_overflow)");
  session.reset();
  const Result<Rows> too_long = session.forward(std::vector<uint32_t>(129, 1), Logits::Last);
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().message(), "prompt: 129 tokens, expected at most 128 (context_overflow)");
}

}  // namespace
}  // namespace kigo
