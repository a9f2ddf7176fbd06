// A pass that can be cancelled: the same bits as one that cannot, in pieces though its products are.
#include <gtest/gtest.h>

#include <atomic>

#include "reference/model.h"

namespace kigo::test {
namespace {

/// So many tokens that products of the shipped model, those with biases too, are made in several pieces.
std::vector<uint32_t> many_tokens() {
  std::vector<uint32_t> tokens;
  for (uint32_t i = 0; i < 120; ++i) tokens.push_back((37 * i + 5) % 2000);
  return tokens;
}

TEST(Cancelling, ChangesNoBitOfAPassThatIsNotCancelled) {
  const auto model = model::open(KIGO_SOURCE_DIR "/golden/haiku/haiku-q4_k_m.gguf");
  ASSERT_TRUE(model) << model.error().message();
  const std::vector<uint32_t> tokens = many_tokens();
  reference::Session whole(*model), pieces(*model);
  const std::atomic<bool> never = false;
  pieces.cancel_on(&never);
  const auto want = whole.forward(tokens, reference::Logits::Last);
  const auto got = pieces.forward(tokens, reference::Logits::Last);
  ASSERT_TRUE(want && got);
  EXPECT_EQ(got->values, want->values);
}

TEST(Cancelling, EndsAPassBeforeItsFirstProductAndLeavesTheSequenceAsItWas) {
  const auto model = model::open(KIGO_SOURCE_DIR "/golden/haiku/haiku-q4_k_m.gguf");
  ASSERT_TRUE(model) << model.error().message();
  reference::Session session(*model);
  std::atomic<bool> cancel = false;
  session.cancel_on(&cancel);
  const std::vector<uint32_t> first{5, 6, 7};
  ASSERT_TRUE(session.forward(first, reference::Logits::Last));
  cancel = true;
  const auto ended = session.forward(first, reference::Logits::Last);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, Code::cancelled);
  EXPECT_EQ(session.length(), 3);
}

}  // namespace
}  // namespace kigo::test
