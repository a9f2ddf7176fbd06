// The tensors' cases of docs/gguf.md, section 5: one test per row, with code, byte and message.
#include <gtest/gtest.h>

#include "core/base/cat.h"
#include "core/gguf/reader.h"
#include "tests/core/gguf/bytes.h"
#include "tests/core/gguf/watched_read.h"

namespace kigo::gguf::test {
namespace {

using Dims = std::vector<uint64_t>;

/// A file with one tensor "t" at byte 24: n_dims at 33, dimensions from 37 on; then `data` bytes.
Bytes one_tensor(const Dims& dims, uint32_t type, size_t data) {
  return Bytes().header(1, 0).info("t", dims, type, 0).pad(32).fill(data);
}

TEST(TensorInfo, HoldsNameShapeTypeAndData) {
  Bytes b;
  b.header(2, 0).info("a", {3}, kI8, 0).info("b", {2, 2}, kF32, 32).pad(32).u8(1).u8(2).u8(3).pad(32);
  b.put(1.0f).put(2.0f).put(3.0f).put(4.0f);
  const auto file = watched_read(b);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->tensors[0].name, "a");
  EXPECT_EQ(file->tensors[0].data.size(), 3u);
  EXPECT_EQ(file->tensors[0].data[2], std::byte{3});
  const Tensor& second = *file->find_tensor("b");
  EXPECT_EQ(second.dims, (Dims{2, 2}));
  EXPECT_EQ(second.type->name, "F32");
  EXPECT_EQ(second.entry_offset, 57u);
  EXPECT_EQ(second.offset, 32u);
  float last = 0;
  std::memcpy(&last, second.data.data() + 12, 4);
  EXPECT_EQ(last, 4.0f);
  EXPECT_EQ(file->find_tensor("c"), nullptr);
}

TEST(TensorInfo, ChecksTheName) {
  using namespace std::string_view_literals;
  const auto named = [](std::string_view name) {
    return outcome(Bytes().header(1, 0).info(name, {1}, kF32, 0).pad(32).fill(4));
  };
  EXPECT_EQ(named(std::string(63, 'n')), "accepted");
  EXPECT_EQ(named(std::string(64, 'n')),
            "tensor 1 of 1: name: 64 bytes, expected at most 63 (limit_exceeded, byte 24)");
  EXPECT_EQ(named(""),
            "tensor 1 of 1: name of 0 bytes, expected 1 to 63 bytes of printable ASCII (bad_name, byte 24)");
  EXPECT_EQ(named("a\0b"sv),
            "tensor 1 of 1: name with bytes 61 00 62, expected 1 to 63 bytes of printable ASCII (bad_name, "
            "byte 24)");
  EXPECT_EQ(outcome(Bytes().header(2, 0).info("t", {1}, kF32, 0).info("t", {1}, kF32, 32).pad(32).fill(36)),
            "t: the same name as at byte 24, expected each name once (duplicate_name, byte 57)");
}

TEST(TensorInfo, TakesAScalarOnlyWhereABlockHoldsOneValue) {
  const Bytes scalar = one_tensor({}, kF32, 4);
  const auto file = watched_read(scalar);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->tensors[0].elements(), 1u);
  EXPECT_EQ(file->tensors[0].data.size(), 4u);
  EXPECT_EQ(outcome(one_tensor({}, kQ4_0, 32)),
            "t: shape [], a row of 1, expected rows of whole Q4_0 blocks of 32 (bad_shape, byte 33)");
}

TEST(TensorInfo, RefusesMoreThanFourDimensions) {
  for (const uint32_t n_dims : {5u, 8u, ~0u}) {
    EXPECT_EQ(outcome(Bytes().header(1, 0).text("t").u32(n_dims).fill(100, 0)),
              cat("t: n_dims ", n_dims, ", expected at most 4 (limit_exceeded, byte 33)"));
  }
}

TEST(TensorInfo, AcceptsAZeroDimension) {
  for (const Dims& dims : std::vector<Dims>{{0}, {8, 0}, {0, 8}, {2, 0, kOne << 61}}) {
    const Bytes bytes = one_tensor(dims, kF32, 0);
    const auto file = watched_read(bytes);
    ASSERT_TRUE(file);
    EXPECT_EQ(file->tensors[0].elements(), 0u);
    EXPECT_TRUE(file->tensors[0].data.empty());
  }
}

TEST(TensorInfo, LetsAZeroDimensionFreeNoOther) {
  for (const Dims& dims : std::vector<Dims>{{0, kOne << 62, 2}, {kOne << 62, 0, 2}, {kOne << 62, 2, 0}}) {
    EXPECT_EQ(watched_read(one_tensor(dims, kF32, 0)).error().code, Code::bad_shape);
  }
  EXPECT_EQ(watched_read(one_tensor({33, 0}, kQ4_0, 0)).error().code, Code::bad_shape);
}

TEST(TensorInfo, RefusesADimensionOf64Bits) {
  EXPECT_EQ(outcome(one_tensor({2, ~uint64_t{0}}, kF32, 64)),
            "t: dimension 1 is 18446744073709551615, expected dimensions and an element count below "
            "9223372036854775807 (2^63 - 1) (bad_shape, byte 45)");
}

TEST(TensorInfo, RefusesTooManyElements) {
  const std::string expected =
      ", expected dimensions and an element count below 9223372036854775807 (2^63 - 1) (bad_shape, byte 37)";
  EXPECT_EQ(outcome(one_tensor({kOne << 31, kOne << 31, 2}, kF32, 64)),
            "t: shape [2147483648, 2147483648, 2] has too many elements" + expected);
  EXPECT_EQ(outcome(one_tensor({(kOne << 63) - 1}, kI8, 64)),
            "t: dimension 0 is 9223372036854775807" + expected);
  EXPECT_EQ(outcome(one_tensor({4194305, 4194305, 211106198978564}, kF32, 64)),
            "t: shape [4194305, 4194305, 211106198978564] has too many elements" + expected);
  EXPECT_EQ(watched_read(one_tensor({(kOne << 63) - 2}, kI8, 64)).error().code, Code::truncated);
}

TEST(TensorInfo, RefusesMoreBytesThan64BitsCount) {
  EXPECT_EQ(outcome(one_tensor({kOne << 62}, kF32, 64)),
            "t: F32 [4611686018427387904], expected fewer than 2^64 bytes (size_overflow, byte 37)");
}

TEST(TensorInfo, RefusesARunningSumBeyond64Bits) {
  Bytes b = Bytes()
                .header(3, 0)
                .info("a", {0x7FFFFFFFFFFFFFC0}, kI8, 0)
                .info("b", {0x7FFFFFFFFFFFFFC0}, kI8, 0x7FFFFFFFFFFFFFC0);
  b.info("c", {128}, kI8, 0xFFFFFFFFFFFFFF80).pad(32);
  EXPECT_EQ(outcome(b),
            "c: I8 [128] of 128 bytes at offset 18446744073709551488, expected tensors that end below 2^64 "
            "(size_overflow, byte 103)");
  // Rounding up to the alignment must not wrap either: 2^64 - 8 bytes.
  EXPECT_EQ(watched_read(one_tensor({(kOne << 61) - 1}, kF64, 64)).error().code, Code::size_overflow);
  // Nor may the end of the region: 2^64 - 32 bytes from byte 64 on.
  EXPECT_EQ(outcome(one_tensor({(kOne << 61) - 4}, kF64, 64)),
            "t: 18446744073709551584 bytes at offset 0, expected a region that ends below 2^64 "
            "(size_overflow, byte 24)");
}

TEST(TensorInfo, RefusesHugeTensorsOfASmallFile) {
  Bytes b = Bytes()
                .header(2, 0)
                .info("a", {kOne << 61}, kI32, 0)
                .info("b", {(kOne << 63) - 32}, kI8, kOne << 63)
                .pad(32);
  ASSERT_EQ(b.size(), 96u);
  EXPECT_EQ(outcome(b),
            "a: region of 9223372036854775808 bytes, 0 left in a file of 96, expected a file of at least "
            "9223372036854775904 (truncated, byte 96)");
}

TEST(TensorInfo, RefusesRowsThatAreNoWholeBlocks) {
  const auto shaped = [](uint64_t in, uint64_t out, uint32_t type) {
    return outcome(one_tensor({in, out}, type, 4096));
  };
  EXPECT_EQ(
      shaped(255, 2, kQ4_K),
      "t: shape [255, 2], a row of 255, expected rows of whole Q4_K blocks of 256 (bad_shape, byte 37)");
  EXPECT_EQ(
      shaped(128, 2, kQ4_K),
      "t: shape [128, 2], a row of 128, expected rows of whole Q4_K blocks of 256 (bad_shape, byte 37)");
  EXPECT_EQ(shaped(8, 64, kQ6_K),
            "t: shape [8, 64], a row of 8, expected rows of whole Q6_K blocks of 256 (bad_shape, byte 37)");
  EXPECT_EQ(shaped(256, 2, kQ4_K), "accepted");
}

TEST(TensorInfo, RefusesTypesThatAreUnknownOrRemoved) {
  const auto typed = [](uint32_t type) { return outcome(one_tensor({1}, type, 64)); };
  EXPECT_EQ(typed(4),
            "t: type 4 was removed from GGUF, expected a type of docs/formats.md, section 2 "
            "(bad_tensor_type, byte 45)");
  EXPECT_EQ(typed(~0u),
            "t: type 4294967295 is unknown, expected a type of docs/formats.md, section 2 (bad_tensor_type, "
            "byte 45)");
  EXPECT_EQ(
      typed(43),
      "t: type 43 is unknown, expected a type of docs/formats.md, section 2 (bad_tensor_type, byte 45)");
  EXPECT_EQ(typed(1u << 31),
            "t: type 2147483648 is unknown, expected a type of docs/formats.md, section 2 (bad_tensor_type, "
            "byte 45)");
}

TEST(TensorInfo, AcceptsATypeThatIsKnownByItsSizeOnly) {
  const Bytes bytes = one_tensor({64}, kIQ4_NL, 36);
  const auto file = watched_read(bytes);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->tensors[0].type->name, "IQ4_NL");
  EXPECT_EQ(file->tensors[0].data.size(), 36u);
}

// F02: the offsets of these files follow from the sizes of ggml's blocks, not from four bytes a value.
TEST(TensorInfo, CountsBytesByTheBlocksOfTheType) {
  constexpr uint32_t kQ5_0 = 6;
  EXPECT_EQ(
      outcome(Bytes().header(2, 0).info("a", {32, 3}, kQ5_0, 0).info("b", {1}, kF32, 96).pad(32).fill(100)),
      "accepted");  // 3 blocks of 22 bytes
  EXPECT_EQ(
      outcome(Bytes().header(2, 0).info("a", {256}, kQ6_K, 0).info("b", {1}, kF32, 224).pad(32).fill(228)),
      "accepted");  // 1 block of 210 bytes
}

TEST(TensorInfo, AcceptsOnlyTheCanonicalOffset) {
  EXPECT_EQ(outcome(Bytes().header(1, 0).info("t", {1}, kF32, 32).pad(32).fill(64)),
            "t: offset 32, expected 0 (bad_offset, byte 49)");
  for (const uint64_t offset : {uint64_t{33}, uint64_t{0}, uint64_t{64}, uint64_t{0} - 32}) {
    EXPECT_EQ(
        outcome(Bytes().header(2, 0).info("a", {1}, kF32, 0).info("b", {1}, kF32, offset).pad(32).fill(200)),
        cat("b: offset ", offset, ", expected 32 (bad_offset, byte 82)"));
  }
}

TEST(TensorInfo, RefusesOffsetsMadeWithAnotherAlignment) {
  EXPECT_EQ(outcome(Bytes().header(2, 0).info("a", {3}, kI8, 0).info("b", {3}, kI8, 3).pad(32).fill(200)),
            "b: offset 3, expected 32 (bad_offset, byte 82)");
}

TEST(Regions, RefusesTwoTensorsWhoseSumIsHuge) {
  Bytes b = Bytes()
                .header(2, 0)
                .info("a", {0x7FFFFFFFFFFFFFC0}, kI8, 0)
                .info("b", {0x7FFFFFFFFFFFFFC0}, kI8, 0x7FFFFFFFFFFFFFC0);
  EXPECT_EQ(outcome(b.pad(32).fill(32)),
            "a: region of 9223372036854775744 bytes, 32 left in a file of 128, expected a file of at least "
            "9223372036854775840 (truncated, byte 96)");
}

TEST(Regions, RefusesALastTensorThatIsOneByteShort) {
  EXPECT_EQ(
      outcome(one_tensor({8}, kF32, 31)),
      "t: region of 32 bytes, 31 left in a file of 95, expected a file of at least 96 (truncated, byte 64)");
  EXPECT_EQ(outcome(one_tensor({8}, kF32, 32)), "accepted");
}

TEST(Regions, NeedsNoPaddingBehindTheLastTensor) {
  EXPECT_EQ(watched_read(one_tensor({1}, kF32, 4))->trailing_bytes, 0u);
  EXPECT_EQ(watched_read(one_tensor({1}, kF32, 32))->trailing_bytes, 0u);
}

TEST(Regions, CountsBytesBehindTheLastTensor) {
  EXPECT_EQ(watched_read(one_tensor({8}, kF32, 132))->trailing_bytes, 100u);
  EXPECT_EQ(watched_read(Bytes().header(0, 0).fill(108))->trailing_bytes, 100u);
}

TEST(ReadHead, TakesAFileThatEndsBehindItsTensorInfos) {
  const Bytes head = Bytes().header(2, 0).info("a", {3}, kI8, 0).info("b", {32, 2}, kQ8_0, 32);
  EXPECT_EQ(watched_read(head).error().code, Code::truncated);
  const auto file = read_head(head);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->data_offset, 128u);  // behind the head of 98 bytes
  EXPECT_EQ(file->tensors[1].offset, 32u);
  EXPECT_EQ(file->tensors[1].size_bytes(), 68u);
  EXPECT_TRUE(file->tensors[1].data.empty());
}

}  // namespace
}  // namespace kigo::gguf::test
