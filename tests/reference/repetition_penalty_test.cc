#include "reference/repetition_penalty.h"

#include <gtest/gtest.h>

#include "tests/reference/support.h"

namespace kigo {
namespace {

using test::Grid;

struct RepetitionPenalty : testing::Test {
  Grid<double> x{2, 4, {4, -4, 0, 1, /**/ -1, 2, 3, 4}, 1};
  Grid<double> y{2, 4};
  std::vector<uint32_t> history = {1, 0, 1, 2};
  ops::RepetitionPenalty<Space::Host> op{
      .x = x.view(), .history = test::row_view(history), .y = y.view(), .penalty = 2};
  std::string refusal() { return test::message(reference::repetition_penalty(op)); }
};

TEST_F(RepetitionPenalty, WorkedExample) {
  // Ids 0, 1 and 2, each once: positive logits are halved, others doubled.
  ASSERT_EQ(refusal(), "accepted");
  EXPECT_EQ(y.dense(), (std::vector<double>{2, -8, 0, 1, /**/ -2, 1, 1.5, 4}));
}
TEST_F(RepetitionPenalty, DividesEveryPositiveLogitHoweverSmall) {
  x(0, 0) = 0.5, x(0, 1) = 0x1p-1000, x(0, 2) = -0.5;
  ASSERT_EQ(refusal(), "accepted");
  EXPECT_EQ(y(0, 0), 0.25);
  EXPECT_EQ(y(0, 1), 0x1p-1001);
  EXPECT_EQ(y(0, 2), -1);
}
TEST_F(RepetitionPenalty, CopiesWithoutAHistory) {
  op.history = {};
  ASSERT_EQ(refusal(), "accepted");
  EXPECT_EQ(y.dense(), x.dense());
}
TEST_F(RepetitionPenalty, MayWriteOverTheLogits) {
  op.y = x.view();
  ASSERT_EQ(refusal(), "accepted");
  EXPECT_EQ(x.dense(), (std::vector<double>{2, -8, 0, 1, /**/ -2, 1, 1.5, 4}));
}
TEST_F(RepetitionPenalty, NamesAnIdBeyondTheVocabulary) {
  history[3] = 4;
  EXPECT_EQ(refusal(), "repetition_penalty.history: 4, expected 0 to 3 (unsupported)");
}
TEST_F(RepetitionPenalty, NamesAPenaltyOfZero) {
  op.penalty = 0;
  EXPECT_EQ(refusal(), "repetition_penalty.penalty: 0, expected above 0 to 2 (unsupported)");
}

}  // namespace
}  // namespace kigo
