#include "reference/norm_head_argmax.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/reference/support.h"

namespace kigo {
namespace {

using test::Grid;

/// A head over a norm, with its outputs.
struct NormHeadArgmaxTest : testing::Test {
  Grid<double> x{1, 2, {3, -3}};  // mean square 9, root 3: with weights 1, 2 the norm gives (1, -2)
  std::vector<float> norm = {1, 2};
  std::vector<float> head = {5, 0, /**/ 1, -2, /**/ 3, -1, /**/ 0, 0};  // 5, 5, 5, 0
  Grid<double> logits{1, 4};
  std::vector<uint32_t> ids = {99};
  ops::NormHeadArgmax<double, Space::Host> op{.x = x.view(),
                                              .norm_weight = test::row_view(norm),
                                              .norm_eps = 0,
                                              .head = test::f32_matrix(head, 4, 2),
                                              .logits = logits.view(),
                                              .ids = {ids.data(), {1}},
                                              .workspace = {},
                                              .ticket = {}};
  std::string refusal() { return test::message(reference::norm_head_argmax<double>(op)); }
};

TEST_F(NormHeadArgmaxTest, WorkedExample) {
  head[1] = 1;  // 5 - 2 = 3, 1 + 4 = 5, 3 + 2 = 5, 0
  ASSERT_TRUE(reference::norm_head_argmax<double>(op));
  EXPECT_EQ(logits.dense(), (std::vector<double>{3, 5, 5, 0}));
  EXPECT_EQ(ids[0], 1u);  // the lower of the two fives
}

TEST_F(NormHeadArgmaxTest, BreaksTiesByTheLowestId) {
  ASSERT_TRUE(reference::norm_head_argmax<double>(op));
  EXPECT_EQ(logits.dense(), (std::vector<double>{5, 5, 5, 0}));
  EXPECT_EQ(ids[0], 0u);
}

TEST_F(NormHeadArgmaxTest, ChoosesAmongTheLogitsAsStored) {
  // In double the second logit is larger by 2^-30; as floats both are 1, and the first one is chosen.
  Grid<float> one(1, 2, {1, 1});
  Grid<float> stored(1, 2);
  const std::vector<float> weight = {1, 0x1p-30f}, rows = {1, 0, /**/ 1, 1};
  ASSERT_TRUE(reference::norm_head_argmax<float>({.x = one.view(),
                                                  .norm_weight = test::row_view(weight),
                                                  .norm_eps = 0,
                                                  .head = test::f32_matrix(rows, 2, 2),
                                                  .logits = stored.view(),
                                                  .ids = {ids.data(), {1}},
                                                  .workspace = {},
                                                  .ticket = {}}));
  EXPECT_EQ(stored.dense(), (std::vector<float>{1, 1}));
  EXPECT_EQ(ids[0], 0u);
}

TEST_F(NormHeadArgmaxTest, NamesAHeadOfAnotherWidth) {
  op.head.cols = 1;
  EXPECT_EQ(refusal(), "norm_head_argmax.head: 1 columns, expected 2 (bad_shape)");
}
TEST_F(NormHeadArgmaxTest, NamesWrongLogits) {
  op.logits = {op.logits.data, {1, 3}};
  EXPECT_EQ(refusal(), "norm_head_argmax.logits: shape [1, 3], expected [1, 4] (bad_shape)");
}
TEST_F(NormHeadArgmaxTest, NamesMissingIds) {
  op.ids.data = nullptr;
  EXPECT_EQ(refusal(), "norm_head_argmax.ids: no data, expected memory for [1] (bad_shape)");
}
TEST_F(NormHeadArgmaxTest, NamesASecondToken) {
  op.x.shape = {2, 2};
  EXPECT_EQ(refusal(), "norm_head_argmax.tokens: 2, expected 1 to 1 (unsupported)");
}

}  // namespace
}  // namespace kigo
