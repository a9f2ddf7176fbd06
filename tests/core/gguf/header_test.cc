// The header's cases of docs/gguf.md, section 5: one test per row, with code, byte and message.
#include <gtest/gtest.h>

#include "core/base/cat.h"
#include "tests/core/gguf/bytes.h"
#include "tests/core/gguf/watched_read.h"

namespace kigo::gguf::test {
namespace {

TEST(Header, RefusesAFileShorterThanItsMagic) {
  EXPECT_EQ(outcome({}), "magic: 0 bytes left in a file of 0, expected at least 4 (truncated, byte 0)");
  EXPECT_EQ(outcome(Bytes().raw("G")),
            "magic: 1 bytes left in a file of 1, expected at least 4 (truncated, byte 0)");
  EXPECT_EQ(outcome(Bytes().raw("GGU")),
            "magic: 3 bytes left in a file of 3, expected at least 4 (truncated, byte 0)");
}

TEST(Header, RefusesAnotherMagic) {
  EXPECT_EQ(outcome(Bytes().raw("GGML").u32(3)),
            "magic: 47 47 4d 4c, expected 47 47 55 46 (\"GGUF\") (bad_magic, byte 0)");
}

TEST(Header, NamesTheFieldThatIsCutOff) {
  const Bytes whole = Bytes().header(2, 2);
  const std::span<const std::byte> bytes = whole;
  for (size_t length = 4; length < 24; ++length) {
    const bool version = length < 8, tensors = length < 16;
    const size_t start = version ? 4 : tensors ? 8 : 16;
    EXPECT_EQ(outcome(bytes.first(length)),
              cat(version   ? "version"
                  : tensors ? "tensor count"
                            : "metadata count",
                  ": ", length - start, " bytes left in a file of ", length, ", expected at least ",
                  version ? 4 : 8, " (truncated, byte ", start, ")"));
  }
}

TEST(Header, RefusesOtherVersions) {
  const auto with_version = [](uint32_t version) { return outcome(Bytes().header(0, 0, version)); };
  EXPECT_EQ(with_version(0), "version: 0, expected 2 or 3 (bad_version, byte 4)");
  EXPECT_EQ(with_version(1), "version: 1, expected 2 or 3 (bad_version, byte 4)");
  EXPECT_EQ(with_version(4), "version: 4, expected 2 or 3 (bad_version, byte 4)");
  EXPECT_EQ(with_version(0x80000003), "version: 2147483651, expected 2 or 3 (bad_version, byte 4)");
}

TEST(Header, RefusesABigEndianFile) {
  EXPECT_EQ(outcome(Bytes().raw("GGUF").u8(0).u8(0).u8(0).u8(3).fill(16, 0)),
            "version: 0x03000000, a big-endian file, expected a little-endian file (big_endian, byte 4)");
}

TEST(Header, AcceptsAFileWithoutAnything) {
  const auto file = watched_read(Bytes().header(0, 0));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->version, 3u);
  EXPECT_EQ(file->alignment, 32u);
  EXPECT_EQ(file->head_bytes, 24u);
  EXPECT_EQ(file->data_offset, 32u);
  EXPECT_EQ(file->trailing_bytes, 0u);
  EXPECT_EQ(outcome(Bytes().header(0, 0, 2)), "accepted");
}

TEST(Header, RefusesCountsBeyondTheLimit) {
  for (const uint64_t count : {uint64_t{65537}, kOne << 40, kOne << 63, ~uint64_t{0}}) {
    EXPECT_EQ(outcome(Bytes().header(count, 0).fill(100)),
              cat("tensor count: ", count, ", expected at most 65536 (limit_exceeded, byte 8)"));
    EXPECT_EQ(outcome(Bytes().header(0, count).fill(100)),
              cat("metadata count: ", count, ", expected at most 65536 (limit_exceeded, byte 16)"));
  }
}

TEST(Header, RefusesCountsThatTheFileCannotHold) {
  EXPECT_EQ(
      outcome(Bytes().header(0, 60000).fill(40)),
      "metadata count: 60000: 40 bytes left in a file of 64, expected at least 840000 (truncated, byte 16)");
  EXPECT_EQ(
      outcome(Bytes().header(60000, 0).fill(40)),
      "tensor count: 60000: 48 bytes left in a file of 64, expected at least 1500008 (truncated, byte 8)");
}

// What the next three tests miscount: pairs "a" and "b", tensor "t".
Bytes miscounted(uint64_t tensors, uint64_t pairs) {
  Bytes b;
  b.header(tensors, pairs).pair("a", "on the withered branch").pair("b", ValueType::u32, 7u);
  return b;
}

TEST(Header, RefusesAMetadataCountThatIsOneTooHigh) {
  EXPECT_EQ(outcome(miscounted(0, 2)), "accepted");
  EXPECT_EQ(
      outcome(miscounted(0, 3)),
      "metadata pair 3 of 3: key: 0 bytes left in a file of 84, expected at least 8 (truncated, byte 84)");
  // With a tensor behind the pairs, its info is read as a pair: n_dims 1 is the value type i8.
  EXPECT_EQ(outcome(miscounted(1, 3).info("t", {8}, kF32, 0).pad(32).fill(32)),
            "tensor 1 of 1: name of 0 bytes, expected 1 to 63 bytes of printable ASCII (bad_name, byte 98)");
}

TEST(Header, RefusesAMetadataCountThatIsOneTooLow) {
  EXPECT_EQ(outcome(miscounted(1, 1).info("t", {8}, kF32, 0).pad(32).fill(32)),
            "b: shape [4294967303, 1597727834112, 2048, 0] has too many elements, expected dimensions and an "
            "element count below 9223372036854775807 (2^63 - 1) (bad_shape, byte 80)");
}

TEST(Header, AcceptsATensorCountThatIsOneTooLowAndCountsWhatIsLeft) {
  Bytes b;
  b.header(1, 0).info("a", {8}, kF32, 0).info("b", {8}, kF32, 32).pad(32).fill(64);
  const auto file = watched_read(b);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->tensors.size(), 1u);
  EXPECT_EQ(file->trailing_bytes, 64u);  // the second info (32 bytes of the padded head) and 32 bytes of data
}

}  // namespace
}  // namespace kigo::gguf::test
