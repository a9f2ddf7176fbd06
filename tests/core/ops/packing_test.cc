#include "core/ops/packing.h"

#include <gtest/gtest.h>

#include <vector>

#include "core/quant/formats.h"

namespace kigo {
namespace {

template <class F>
struct PackingOf : testing::Test {
  const quant::TensorType& type = *quant::find_tensor_type(F::gguf_id);
  const ops::Packing* packing = ops::find_packing(F::gguf_id);
};
TYPED_TEST_SUITE(PackingOf, quant::FormatList::into<testing::Types>);

template <class... Formats>
struct Ids {
  static std::vector<uint32_t> of() { return {Formats::gguf_id...}; }
};

TYPED_TEST(PackingOf, PutsEveryByteOfABlockInExactlyOnePlace) {
  ASSERT_NE(this->packing, nullptr);
  std::vector<int> taken(this->type.block_bytes);
  std::vector<std::vector<int>> filled;
  for (const uint16_t bytes : this->packing->record_bytes) filled.emplace_back(bytes);
  for (const ops::PackedPiece& piece : this->packing->pieces) {
    for (size_t i = 0; i < piece.bytes; ++i) {
      ++taken.at(piece.from + i);
      ++filled.at(piece.plane).at(piece.to + i);
    }
  }
  EXPECT_EQ(taken, std::vector<int>(this->type.block_bytes, 1));
  for (const std::vector<int>& plane : filled) EXPECT_EQ(plane, std::vector<int>(plane.size(), 1));
}

TYPED_TEST(PackingOf, StartsEveryPlaneAtAMultipleOf256AndAddsLessThanThatToEach) {
  const int64_t rows = 5, cols = 3 * int64_t{this->type.block_values}, blocks = 15;
  int64_t end = 0;
  for (int plane = 0; plane < ops::kMaxPlanes; ++plane) {
    const int64_t record = this->packing->record_bytes[static_cast<size_t>(plane)];
    if (record == 0) break;
    const int64_t start = ops::plane_offset(this->type, rows, cols, plane);
    EXPECT_EQ(start % 256, 0);
    EXPECT_GE(start, end);
    EXPECT_LT(start, end + 256);
    end = start + record * blocks;
  }
  EXPECT_EQ(ops::packed_bytes(this->type, rows, cols), end);
}

TEST(Packing, WorkedExample) {
  // 2 rows of 3 blocks of Q5_0: 6 records of 16, 4 and 2 bytes; planes at 0, 256 (96 rounded up) and 512.
  const quant::TensorType& q5_0 = *quant::find_tensor_type("Q5_0");
  EXPECT_EQ(ops::plane_offset(q5_0, 2, 96, 0), 0);
  EXPECT_EQ(ops::plane_offset(q5_0, 2, 96, 1), 256);
  EXPECT_EQ(ops::plane_offset(q5_0, 2, 96, 2), 512);
  EXPECT_EQ(ops::packed_bytes(q5_0, 2, 96), 512 + 12);
}

TEST(Packing, CountsBytesBeyond32Bits) {
  // The table of a vocabulary of 151,936 words and a width of 8192, in float: 4.6 GiB.
  EXPECT_EQ(ops::packed_bytes(*quant::find_tensor_type("F32"), 151936, 8192), int64_t{4978638848});
}

TEST(Packing, TheTypesAreThoseOfTheTable) {
  std::vector<uint32_t> ids;
  for (const ops::Packing& packing : ops::packings()) ids.push_back(packing.id);
  EXPECT_EQ(ids, quant::FormatList::into<Ids>::of());
}

TEST(Packing, HasNoFormForATypeThatIsKnownBySizeOnly) {
  EXPECT_EQ(ops::find_packing(quant::find_tensor_type("IQ1_S")->id), nullptr);
}

}  // namespace
}  // namespace kigo
