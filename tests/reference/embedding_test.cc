#include "reference/embedding.h"

#include <gtest/gtest.h>

#include "tests/reference/support.h"

namespace kigo {
namespace {

using test::Grid;

TEST(Embedding, WorkedExample) {
  const std::vector<float> table = {1, 2, 3, /**/ 4, 5, 6, /**/ 7, 8, 9};
  const std::vector<uint32_t> ids = {2, 0, 2};
  Grid<double> y(3, 3, 2);
  ASSERT_TRUE(reference::embedding<double>(
      {.ids = test::row_view(ids), .table = test::f32_matrix(table, 3, 3), .y = y.view()}));
  EXPECT_EQ(y.dense(), (std::vector<double>{7, 8, 9, 1, 2, 3, 7, 8, 9}));
}

TEST(Embedding, DecodesAQuantisedRow) {
  // Q8_0: 32 signed bytes times an f16 scale, here 0x3800 = 0.5; row 1 holds -1, -2, ... -32.
  std::vector<std::byte> table(2 * 34);
  for (size_t row = 0; row < 2; ++row) {
    table[row * 34 + 1] = std::byte{0x38};
    for (size_t i = 0; i < 32; ++i) {
      const int value = static_cast<int>(i + 1) * (row == 0 ? 1 : -1);
      table[row * 34 + 2 + i] = static_cast<std::byte>(static_cast<int8_t>(value));
    }
  }
  const std::vector<uint32_t> ids = {1};
  Grid<float> y(1, 32);
  ASSERT_TRUE(reference::embedding<float>({.ids = test::row_view(ids),
                                           .table = {table.data(), quant::find_tensor_type("Q8_0"), 2, 32},
                                           .y = y.view()}));
  for (int i = 0; i < 32; ++i) EXPECT_EQ(y(0, i), -0.5f * static_cast<float>(i + 1));
}

struct EmbeddingRefusal : testing::Test {
  std::vector<float> values = {1, 2, 3, 4};
  std::vector<uint32_t> ids = {0, 1};
  Grid<double> y{2, 2};
  ops::Embedding<double, Space::Host> op{
      .ids = test::row_view(ids), .table = test::f32_matrix(values, 2, 2), .y = y.view()};
  std::string refusal() { return test::message(reference::embedding<double>(op)); }
};

TEST_F(EmbeddingRefusal, AcceptsTheUnspoiltCase) { EXPECT_EQ(refusal(), "accepted"); }
TEST_F(EmbeddingRefusal, NamesAnIdBeyondTheTable) {
  ids[1] = 2;
  EXPECT_EQ(refusal(), "token 1: id 2, expected an id below 2 (invalid_request)");
}
TEST_F(EmbeddingRefusal, NamesAWrongWidth) {
  op.y.shape = {2, 3};
  EXPECT_EQ(refusal(), "embedding.y: shape [2, 3], expected [2, 2] (bad_shape)");
}
TEST_F(EmbeddingRefusal, NamesMissingMemory) {
  op.y.data = nullptr;
  EXPECT_EQ(refusal(), "embedding.y: no data, expected memory for [2, 2] (bad_shape)");
}
TEST_F(EmbeddingRefusal, NamesATypeThatCannotBeDecoded) {
  op.table.type = quant::find_tensor_type("IQ1_S");
  op.table.cols = 256;
  EXPECT_EQ(refusal(), "embedding.table: IQ1_S, expected a type that can be decoded (unsupported)");
}
TEST_F(EmbeddingRefusal, NamesABrokenBlock) {
  op.table.type = quant::find_tensor_type("Q8_0");
  EXPECT_EQ(refusal(), "embedding.table: shape [2, 2], expected rows of whole blocks of 32 (bad_shape)");
}
TEST_F(EmbeddingRefusal, TakesNoTokensForNothingToDo) {
  op.ids = {};
  op.y = {nullptr, {0, 2}};
  EXPECT_EQ(refusal(), "accepted");
}

}  // namespace
}  // namespace kigo
