#include "reference/repack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "core/base/random.h"
#include "core/ops/packing.h"
#include "core/quant/formats.h"
#include "reference/unpack.h"
#include "tests/reference/support.h"

namespace kigo {
namespace {

std::vector<std::byte> random_bytes(int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<std::byte> bytes(static_cast<size_t>(count));
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.below(256));
  return bytes;
}

struct Packed {
  const quant::TensorType* type;
  int64_t rows, cols;
  std::vector<std::byte> packed;
  Packed(std::string_view name, int64_t rows_, int64_t cols_)
      : type(quant::find_tensor_type(name)),
        rows(rows_),
        cols(cols_),
        packed(static_cast<size_t>(ops::packed_bytes(*type, rows, cols)), std::byte{0xEE}) {}
  ops::Repack<Space::Host> op(const std::vector<std::byte>& blocks, int64_t first_row) {
    return {.type = type,
            .rows = rows,
            .cols = cols,
            .first_row = first_row,
            .blocks = {blocks.data(), {static_cast<int64_t>(blocks.size())}},
            .packed = {packed.data(), {static_cast<int64_t>(packed.size())}}};
  }
};

TEST(Repack, WorkedExample) {
  // Two blocks of Q8_0, one a row. In the file: two bytes of d, 32 codes, and again. Packed: 64 codes, what
  // fills up to 256, then the two ds.
  Packed matrix("Q8_0", 2, 32);
  std::vector<std::byte> blocks;
  for (int i = 0; i < 68; ++i) blocks.push_back(static_cast<std::byte>(i));
  ASSERT_TRUE(reference::repack(matrix.op(blocks, 0)));
  std::vector<std::byte> want(260, std::byte{0xEE});
  for (size_t i = 0; i < 32; ++i) {
    want[i] = static_cast<std::byte>(2 + i);
    want[32 + i] = static_cast<std::byte>(36 + i);
  }
  want[256] = std::byte{0}, want[257] = std::byte{1}, want[258] = std::byte{34}, want[259] = std::byte{35};
  EXPECT_EQ(matrix.packed, want);
}

TEST(Repack, GivesEachUnitOfAQ6KBlockItsBytesTogether) {
  // Unit 4g + p, here g = 1 and p = 2: nibbles from 64 + 16 and 64 + 48 on, upper bits from 128 + 32 + 16 on,
  // scales of the sub-blocks 8 + 2s + 1.
  Packed matrix("Q6_K", 1, 256);
  std::vector<std::byte> blocks;
  for (int i = 0; i < 210; ++i) blocks.push_back(static_cast<std::byte>(i));
  ASSERT_TRUE(reference::repack(matrix.op(blocks, 0)));
  const auto at = [&](int plane, int64_t byte) {
    const int64_t start = ops::plane_offset(*matrix.type, 1, 256, plane);
    return static_cast<int>(matrix.packed[static_cast<size_t>(start + byte)]);
  };
  for (int k = 0; k < 8; ++k) {
    EXPECT_EQ(at(0, 16 * 6 + k), 80 + k);
    EXPECT_EQ(at(0, 16 * 6 + 8 + k), 112 + k);
    EXPECT_EQ(at(1, 8 * 6 + k), 176 + k);
  }
  for (int s = 0; s < 4; ++s) EXPECT_EQ(at(2, 4 * 3 + s), 192 + 8 + 2 * s + 1);
  EXPECT_EQ(at(3, 0), 208);
}

template <class F>
struct RepackOf : testing::Test {};
TYPED_TEST_SUITE(RepackOf, quant::FormatList::into<testing::Types>);

TYPED_TEST(RepackOf, IsInvertedByUnpackHoweverTheRowsArrive) {
  Packed matrix(TypeParam::name, 5, 3 * TypeParam::values);
  const int64_t row_bytes = 3 * int64_t{matrix.type->block_bytes};
  const std::vector<std::byte> blocks = random_bytes(5 * row_bytes, 1);
  const auto rows = [&](int64_t first, int64_t count) {
    return std::vector(blocks.begin() + first * row_bytes, blocks.begin() + (first + count) * row_bytes);
  };
  ASSERT_TRUE(reference::repack(matrix.op(rows(3, 2), 3)));
  ASSERT_TRUE(reference::repack(matrix.op(rows(0, 1), 0)));
  ASSERT_TRUE(reference::repack(matrix.op(rows(1, 2), 1)));
  std::vector<std::byte> back(static_cast<size_t>(4 * row_bytes));
  ASSERT_TRUE(
      reference::unpack({.type = matrix.type,
                         .rows = matrix.rows,
                         .cols = matrix.cols,
                         .first_row = 1,
                         .packed = {matrix.packed.data(), {static_cast<int64_t>(matrix.packed.size())}},
                         .blocks = {back.data(), {4 * row_bytes}}}));
  EXPECT_EQ(back, rows(1, 4));
}

struct RepackRefusal : testing::Test {
  Packed matrix{"Q4_0", 2, 64};
  std::vector<std::byte> blocks = random_bytes(72, 1);
  ops::Repack<Space::Host> op = matrix.op(blocks, 0);
  std::string refusal() { return test::message(reference::repack(op)); }
};

TEST_F(RepackRefusal, AcceptsTheUnspoiltCase) { EXPECT_EQ(refusal(), "accepted"); }
TEST_F(RepackRefusal, NamesATypeWithoutPackedForm) {
  op.type = quant::find_tensor_type("IQ1_S");
  EXPECT_EQ(refusal(), "repack.type: IQ1_S, expected a type that has a packed form (unsupported)");
}
TEST_F(RepackRefusal, NamesABrokenBlock) {
  op.cols = 65;
  EXPECT_EQ(refusal(), "repack.matrix: shape [2, 65], expected rows of whole blocks of 32 (bad_shape)");
}
TEST_F(RepackRefusal, NamesABrokenRow) {
  op.blocks.shape = {54};
  EXPECT_EQ(refusal(), "repack.blocks: 54 bytes, expected whole rows of 36 bytes (bad_shape)");
}
TEST_F(RepackRefusal, NamesRowsBeyondTheMatrix) {
  op.first_row = 1;
  EXPECT_EQ(refusal(), "repack.blocks: 2 rows from row 1 on, expected rows below 2 (bad_shape)");
}
TEST_F(RepackRefusal, NamesTooLittleRoom) {
  op.packed.shape = {263};
  EXPECT_EQ(refusal(), "repack.packed: 263 bytes, expected 264 bytes (bad_shape)");
}
TEST_F(RepackRefusal, NamesMissingMemory) {
  op.packed.data = nullptr;
  EXPECT_EQ(refusal(), "repack: no data, expected memory for 2 rows (bad_shape)");
}
TEST_F(RepackRefusal, TakesNoRowsForNothingToDo) {
  op.blocks = {nullptr, {0}};
  op.first_row = 2;
  EXPECT_EQ(refusal(), "accepted");
}

}  // namespace
}  // namespace kigo
