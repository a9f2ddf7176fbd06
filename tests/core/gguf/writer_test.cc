// What the writer refuses, computes and leaves out. That it agrees with the reader is tested in
// round_trip_test.cc.
#include "core/gguf/writer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "core/base/cat.h"
#include "core/gguf/reader.h"
#include "tests/core/gguf/bytes.h"

namespace kigo::gguf::test {
namespace {

const std::vector<std::byte> kZeros(4096);

Tensor tensor(std::string_view name, std::vector<uint64_t> dims, uint32_t type, size_t bytes) {
  return {name, std::move(dims), quant::find_tensor_type(type), std::span(kZeros).first(bytes)};
}

std::string refusal(const File& file) {
  const auto bytes = write(file);
  return bytes ? "written" : bytes.error().message();
}

std::vector<std::byte> vector_of(Bytes bytes) { return std::move(bytes.vector()); }

TEST(Writer, WritesTheBytesOfTheSpecification) {
  File file;
  file.metadata = {{"general.alignment", uint32_t{16}}, {"a", std::string_view("pond")}};
  file.tensors = {tensor("x", {3, 1}, kI8, 3), tensor("y", {1}, kF32, 4)};
  Bytes want = Bytes().header(2, 2).pair("general.alignment", ValueType::u32, 16u).pair("a", "pond");
  want.info("x", {3, 1}, kI8, 0).info("y", {1}, kF32, 16).pad(16).fill(3, 0).pad(16).fill(4, 0).pad(16);
  EXPECT_EQ(*write(file), want.vector());
  file.version = 2;
  EXPECT_EQ((*write(file))[4], std::byte{2});
}

TEST(Writer, EndsAFileWithoutTensorsAtItsMetadata) {
  EXPECT_EQ(*write(File()), vector_of(Bytes().header(0, 0)));
  File file;
  file.metadata = {{"general.alignment", uint32_t{1u << 31}}};  // padding would take 2 GiB
  EXPECT_EQ(write(file)->size(), 57u);
}

TEST(Writer, ComputesOffsetsItself) {
  File file;
  file.tensors = {tensor("x", {3}, kI8, 3), tensor("y", {1}, kF32, 4)};
  file.tensors[1].offset = 7777;
  file.alignment = 3;
  file.data_offset = file.trailing_bytes = 99;
  const auto bytes = write(file);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(read(*bytes)->tensors[1].offset, 32u);
}

TEST(Writer, RefusesAVersionThatTheReaderRefuses) {
  File file;
  file.version = 4;
  EXPECT_EQ(refusal(file), "version: 4, expected 2 or 3 (bad_version, byte 4)");
}

TEST(Writer, RefusesMetadataThatTheReaderRefuses) {
  File file;
  file.metadata = {{"a", true}, {"a", true}};
  EXPECT_EQ(refusal(file), "a: the same key as at byte 24, expected each key once (duplicate_name, byte 38)");
  file.metadata = {{"", uint32_t{1}}};
  EXPECT_EQ(write(file).error().code, Code::bad_name);
  file.metadata = {{"general.alignment", uint32_t{3}}};
  EXPECT_EQ(write(file).error().code, Code::bad_value);
  file.metadata = {{"general.alignment", uint64_t{32}}};
  EXPECT_EQ(write(file).error().code, Code::wrong_type);
  file.metadata = {{"split.count", uint16_t{2}}};
  EXPECT_EQ(write(file).error().code, Code::split_file);
  file.metadata.assign(65537, {"a", true});
  EXPECT_EQ(write(file).error().code, Code::limit_exceeded);
}

TEST(Writer, RefusesAnArrayThatDoesNotHoldWhatItSays) {
  File file;
  const auto with = [&file](Array array) {
    file.metadata = {{"a", std::move(array)}};
    return refusal(file);
  };
  EXPECT_EQ(
      with({ValueType::u32, 2, std::span(kZeros).first(7), {}}),
      "a: count 2 with 7 bytes and 0 strings, expected as many u32 elements as the count says (bad_value)");
  EXPECT_EQ(with({ValueType::string, 2, {}, {"one"}}),
            "a: count 2 with 0 bytes and 1 strings, expected as many string elements as the count says "
            "(bad_value)");
  EXPECT_EQ(
      with({ValueType::u8, 0, {}, {"one"}}),
      "a: count 0 with 0 bytes and 1 strings, expected as many u8 elements as the count says (bad_value)");
  EXPECT_EQ(with({ValueType::u8, 3, std::span(kZeros).first(3), {}}), "written");
  with({ValueType::array, 0, {}, {}});
  EXPECT_EQ(write(file).error().code, Code::bad_value_type);
  with({ValueType{99}, 0, {}, {}});
  EXPECT_EQ(write(file).error().code, Code::bad_value_type);
  const std::vector<std::byte> two(1, std::byte{2});
  with({ValueType::boolean, 1, two, {}});
  EXPECT_EQ(write(file).error().code, Code::bad_value);
}

TEST(Writer, RefusesTensorsThatTheReaderRefuses) {
  File file;
  const auto code = [&file](Tensor one) {
    file.tensors = {std::move(one)};
    return write(file).error().code;
  };
  EXPECT_EQ(code(tensor("", {1}, kF32, 4)), Code::bad_name);
  EXPECT_EQ(code(tensor(std::string(64, 'n'), {1}, kF32, 4)), Code::limit_exceeded);
  EXPECT_EQ(code(tensor("t", {1, 1, 1, 1, 1}, kF32, 4)), Code::limit_exceeded);
  EXPECT_EQ(code(tensor("t", {31}, kQ4_0, 18)), Code::bad_shape);
  EXPECT_EQ(code(tensor("t", {~uint64_t{0}}, kF32, 4)), Code::bad_shape);
  EXPECT_EQ(code(tensor("t", {uint64_t{1} << 62}, kF32, 0)), Code::size_overflow);
  EXPECT_EQ(code(tensor("t", {1}, 99, 4)), Code::bad_tensor_type);
  file.tensors = {tensor("t", {1}, kF32, 4), tensor("t", {1}, kF32, 4)};
  EXPECT_EQ(write(file).error().code, Code::duplicate_name);
}

TEST(Writer, RefusesDataOfAnotherSize) {
  File file;
  for (const size_t size : {size_t{0}, size_t{15}, size_t{17}}) {
    file.tensors = {tensor("s", {1}, kI8, 1), tensor("t", {2, 2}, kF32, size), tensor("u", {1}, kI8, 1)};
    EXPECT_EQ(refusal(file),
              cat("t: data of ", size, " bytes, expected 16 for F32 [2, 2] (bad_shape, byte 57)"));
  }
}

TEST(Writer, SavesToDisk) {
  const std::string path = cat(testing::TempDir(), "kigo_gguf_writer.", ::getpid());
  File file;
  file.tensors = {tensor("t", {2, 2}, kF32, 16)};
  ASSERT_TRUE(save(file, path));
  const auto back = open(path);
  std::filesystem::remove(path);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->file, file);
  EXPECT_EQ(save(file, testing::TempDir() + "no/such/folder").error().code, Code::io);
  file.version = 1;
  EXPECT_EQ(save(file, path).error().code, Code::bad_version);
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace kigo::gguf::test
