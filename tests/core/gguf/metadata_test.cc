// The metadata's cases of docs/gguf.md, section 5: one test per row, with code, byte and message.
#include <gtest/gtest.h>

#include "core/base/cat.h"
#include "tests/core/gguf/bytes.h"
#include "tests/core/gguf/watched_read.h"

namespace kigo::gguf::test {
namespace {

using enum ValueType;

/// A file whose only pair is put by the caller: it begins at byte 24, and for a key of one byte its type lies
/// at 33 and its value at 37.
Bytes one_pair() { return Bytes().header(0, 1); }

TEST(Metadata, RefusesAKeyThatIsNoName) {
  EXPECT_EQ(outcome(one_pair().pair("", u8, uint8_t{1}).u8(0)),
            "metadata pair 1 of 1: key of 0 bytes, expected 1 to 65535 bytes of printable ASCII (bad_name, "
            "byte 24)");
  EXPECT_EQ(outcome(one_pair().pair("\xFF\xFE", u8, uint8_t{1})),
            "metadata pair 1 of 1: key with bytes ff fe, expected 1 to 65535 bytes of printable ASCII "
            "(bad_name, byte 24)");
  EXPECT_EQ(outcome(one_pair().pair("a\x7F", u8, uint8_t{1})),
            "metadata pair 1 of 1: key with bytes 61 7f, expected 1 to 65535 bytes of printable ASCII "
            "(bad_name, byte 24)");
  EXPECT_EQ(outcome(one_pair().pair(" ~", u8, uint8_t{1})), "accepted");
}

TEST(Metadata, LimitsTheLengthOfAKey) {
  EXPECT_EQ(outcome(one_pair().pair(std::string(65535, 'k'), u8, uint8_t{1})), "accepted");
  EXPECT_EQ(
      outcome(Bytes().header(0, 2).pair("a", u8, uint8_t{1}).pair(std::string(65536, 'k'), u8, uint8_t{1})),
      "metadata pair 2 of 2: key: 65536 bytes, expected at most 65535 (limit_exceeded, byte 38)");
  EXPECT_EQ(outcome(one_pair().u64(~uint64_t{0}).fill(20)),
            "metadata pair 1 of 1: key: 18446744073709551615 bytes, expected at most 65535 (limit_exceeded, "
            "byte 24)");
  EXPECT_EQ(
      outcome(one_pair().u64(7).fill(6)),
      "metadata pair 1 of 1: key: 6 bytes left in a file of 38, expected at least 7 (truncated, byte 24)");
}

TEST(Metadata, RefusesTheSameKeyTwice) {
  EXPECT_EQ(outcome(Bytes().header(0, 2).pair("a", u8, uint8_t{1}).pair("a", i8, int8_t{1})),
            "a: the same key as at byte 24, expected each key once (duplicate_name, byte 38)");
  EXPECT_EQ(
      outcome(Bytes().header(0, 2).pair("general.alignment", u32, 64u).pair("general.alignment", u32, 64u)),
      "general.alignment: the same key as at byte 24, expected each key once (duplicate_name, byte 57)");
}

TEST(Metadata, LimitsTheLengthOfAString) {
  EXPECT_EQ(outcome(one_pair().text("a").type(string).u64((1ull << 30) + 1).fill(40)),
            "a: string: 1073741825 bytes, expected at most 1073741824 (limit_exceeded, byte 37)");
  EXPECT_EQ(outcome(one_pair().text("a").type(string).u64(4096).fill(40)),
            "a: string: 40 bytes left in a file of 85, expected at least 4096 (truncated, byte 37)");
}

TEST(Metadata, KeepsEveryByteOfAString) {
  using namespace std::string_view_literals;
  const Bytes bytes = one_pair().pair("a", "x\0y\xFF\xC0"sv);
  const auto file = watched_read(bytes);
  ASSERT_TRUE(file);
  EXPECT_EQ(std::get<std::string_view>(*file->find("a")), "x\0y\xFF\xC0"sv);
}

TEST(Metadata, RefusesUnknownValueTypes) {
  for (const uint32_t id : {13u, 255u, 1u << 31, ~0u}) {
    EXPECT_EQ(outcome(one_pair().text("a").u32(id).fill(40)),
              cat("a: value type ", id, " is unknown, expected 0 to 12 (bad_value_type, byte 33)"));
    EXPECT_EQ(outcome(one_pair().text("a").type(array).u32(id).u64(1).fill(40)),
              cat("a: element type ", id, " is unknown, expected 0 to 12 (bad_value_type, byte 37)"));
  }
}

TEST(Metadata, RefusesAnArrayOfArrays) {
  EXPECT_EQ(outcome(one_pair().array("a", array, 1).u32(0).u64(1).u8(1)),
            "a: an array of arrays, expected numbers, bools or strings: arrays do not nest (bad_value_type, "
            "byte 37)");
  EXPECT_EQ(outcome(one_pair().array("a", array, 0)),
            "a: an array of arrays, expected numbers, bools or strings: arrays do not nest (bad_value_type, "
            "byte 37)");
}

TEST(Metadata, AcceptsAnEmptyArrayAndKeepsItsType) {
  for (const ValueType element : {u8, i8, u16, i16, u32, i32, f32, boolean, string, u64, i64, f64}) {
    const Bytes bytes = one_pair().array("a", element, 0);
    const auto file = watched_read(bytes);
    ASSERT_TRUE(file) << name(element);
    EXPECT_EQ(std::get<Array>(*file->find("a")).element, element);
    EXPECT_EQ(std::get<Array>(*file->find("a")).count, 0u);
  }
}

TEST(Metadata, LimitsTheNumberOfElements) {
  EXPECT_EQ(
      outcome(one_pair().array("a", u64, 0x2000000000000001).fill(40)),
      "a: array of 2305843009213693953, expected at most 1073741824 elements (limit_exceeded, byte 41)");
  EXPECT_EQ(
      outcome(one_pair().array("a", string, 0x1000000000000001).fill(40)),
      "a: array of 1152921504606846977, expected at most 1073741824 elements (limit_exceeded, byte 41)");
}

TEST(Metadata, SetsItsLimitsAtTwoToTheThirty) {
  EXPECT_EQ(watched_read(one_pair().array("a", u8, 1 << 30)).error().code, Code::truncated);
  EXPECT_EQ(watched_read(one_pair().array("a", u8, (1 << 30) + 1)).error().code, Code::limit_exceeded);
  EXPECT_EQ(watched_read(one_pair().text("a").type(string).u64(1 << 30)).error().code, Code::truncated);
  EXPECT_EQ(watched_read(one_pair().text("a").type(string).u64((1 << 30) + 1)).error().code,
            Code::limit_exceeded);
}

TEST(Metadata, RefusesAnArrayThatIsCutOff) {
  EXPECT_EQ(outcome(one_pair().array("a", u32, 1000).fill(40)),
            "a: array of 1000 u32, cut at element 10: 40 bytes left in a file of 89, expected at least 4000 "
            "(truncated, byte 41)");
  EXPECT_EQ(outcome(one_pair().array("a", string, 5).text("one").text("two").u64(30).fill(29)),
            "a: element 2: 29 bytes left in a file of 108, expected at least 30 (truncated, byte 71)");
  EXPECT_EQ(outcome(one_pair().array("a", string, 5).fill(39, 0)),
            "a: array of 5 string: 39 bytes left in a file of 88, expected at least 40 (truncated, byte 41)");
}

TEST(Metadata, LimitsTheLengthOfAStringInAnArray) {
  EXPECT_EQ(outcome(one_pair().array("a", string, 2).text("").u64((1ull << 30) + 1)),
            "a: element 1: 1073741825 bytes, expected at most 1073741824 (limit_exceeded, byte 57)");
}

TEST(Metadata, RefusesABoolThatIsNeither0Nor1) {
  EXPECT_EQ(outcome(one_pair().pair("a", boolean, uint8_t{2})),
            "a: bool of 2, expected 0 or 1 (bad_value, byte 37)");
  EXPECT_EQ(outcome(one_pair().array("a", boolean, 3).u8(0).u8(1).u8(255)),
            "a: element 2 is 255, expected 0 or 1 (bad_value, byte 51)");
}

TEST(Metadata, RefusesANumberThatIsCutOff) {
  EXPECT_EQ(outcome(one_pair().text("a").type(f64).fill(7)),
            "a: f64: 7 bytes left in a file of 44, expected at least 8 (truncated, byte 37)");
}

TEST(Metadata, TakesTheAlignmentOrItsDefault) {
  EXPECT_EQ(watched_read(Bytes().header(0, 0))->alignment, 32u);
  for (const uint32_t alignment : {1u, 2u, 64u, 4096u}) {
    const auto file = watched_read(one_pair().pair("general.alignment", u32, alignment));
    ASSERT_TRUE(file);
    EXPECT_EQ(file->alignment, alignment);
    EXPECT_EQ(file->data_offset, (57 + alignment - 1) / alignment * alignment);
  }
}

TEST(Metadata, RefusesAnAlignmentThatIsNoPowerOfTwo) {
  for (const uint32_t alignment : {0u, 3u, 13u}) {
    EXPECT_EQ(outcome(one_pair().pair("general.alignment", u32, alignment)),
              cat("general.alignment: ", alignment,
                  ", expected a power of two: 1, 2, 4, ... 2147483648 (bad_value, byte 53)"));
  }
}

TEST(Metadata, RefusesAnAlignmentOfAnotherType) {
  EXPECT_EQ(outcome(one_pair().pair("general.alignment", i32, 32)),
            "general.alignment: type i32, expected u32 (wrong_type, byte 49)");
  EXPECT_EQ(outcome(one_pair().array("general.alignment", u32, 2).u32(32).u32(32)),
            "general.alignment: type array, expected u32 (wrong_type, byte 49)");
}

TEST(Metadata, NeedsAHugeAlignmentOnlyWhereATensorFollows) {
  Bytes empty = Bytes().header(0, 1).pair("general.alignment", u32, 1u << 31);
  EXPECT_EQ(outcome(empty), "accepted");
  Bytes one =
      Bytes().header(1, 1).pair("general.alignment", u32, 1u << 31).info("t", {1}, kF32, 0).pad(32).fill(4);
  EXPECT_EQ(outcome(one),
            "t: region of 4 bytes, 0 left in a file of 100, expected a file of at least 2147483652 "
            "(truncated, byte "
            "2147483648)");
}

Bytes split(uint16_t number, uint16_t count) {
  return Bytes()
      .header(0, 3)
      .pair("split.no", u16, number)
      .pair("split.count", u16, count)
      .pair("split.tensors.count", i32, 290);
}

TEST(Metadata, AcceptsAWholeFileThatWasOnceSplit) {
  EXPECT_EQ(outcome(split(0, 0)), "accepted");
  EXPECT_EQ(outcome(split(0, 1)), "accepted");
}

TEST(Metadata, RefusesAPartOfASplitFile) {
  EXPECT_EQ(
      outcome(split(1, 3)),
      "split.count: part 1 (from 0) of a model in 3 files, expected a whole file: merge the parts first "
      "(split_file, byte 69)");
  EXPECT_EQ(outcome(one_pair().pair("split.count", u16, uint16_t{3})),
            "split.count: a part of a model in 3 files, expected a whole file: merge the parts first "
            "(split_file, byte 47)");
}

TEST(Metadata, RefusesSplitKeysOfOtherTypes) {
  EXPECT_EQ(outcome(one_pair().pair("split.count", u32, 3u)),
            "split.count: type u32, expected u16 (wrong_type, byte 43)");
  EXPECT_EQ(outcome(one_pair().pair("split.no", u32, 0u)),
            "split.no: type u32, expected u16 (wrong_type, byte 40)");
  EXPECT_EQ(outcome(one_pair().pair("split.tensors.count", u32, 0u)),
            "split.tensors.count: type u32, expected i32 (wrong_type, byte 51)");
}

TEST(Metadata, ReportsTheFirstWrongFieldInFileOrder) {
  Bytes b = Bytes()
                .header(1, 3)
                .pair("a", boolean, uint8_t{2})
                .pair("a", u8, uint8_t{0})
                .text("b")
                .u32(99)
                .fill(100);
  EXPECT_EQ(watched_read(b).error().code, Code::bad_value);
  b.vector()[37] = std::byte{1};
  EXPECT_EQ(watched_read(b).error().code, Code::duplicate_name);
  b.vector()[38 + 8] = std::byte{'c'};
  EXPECT_EQ(watched_read(b).error().code, Code::bad_value_type);
}

TEST(Metadata, CutsALongKeyInAMessage) {
  EXPECT_EQ(outcome(one_pair().pair(std::string(100, 'k'), boolean, uint8_t{2})),
            cat(std::string(64, 'k'), "...: bool of 2, expected 0 or 1 (bad_value, byte 136)"));
}

}  // namespace
}  // namespace kigo::gguf::test
