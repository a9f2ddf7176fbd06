// read(write(x)) == x and write(read(bytes)) == bytes, over arbitrary files and every way of reading.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <filesystem>

#include "core/base/cat.h"
#include "core/gguf/reader.h"
#include "core/gguf/writer.h"
#include "tests/core/gguf/specimens.h"

namespace kigo::gguf::test {
namespace {

/// A file together with the memory that it points into.
struct Owned {
  File file;
  std::deque<std::string> texts;
  std::deque<std::vector<std::byte>> blobs;

  std::string_view keep(std::string text) { return texts.emplace_back(std::move(text)); }
  std::span<const std::byte> keep(std::vector<std::byte> blob) { return blobs.emplace_back(std::move(blob)); }
};

std::vector<std::byte> arbitrary_bytes(size_t count) {
  const auto values = *rc::gen::container<std::vector<uint8_t>>(count, rc::gen::arbitrary<uint8_t>());
  std::vector<std::byte> bytes(count);
  std::transform(values.begin(), values.end(), bytes.begin(), [](uint8_t value) { return std::byte{value}; });
  return bytes;
}

std::string arbitrary_text() { return *rc::gen::container<std::string>(rc::gen::arbitrary<char>()); }

/// Printable ASCII; the number makes it unique.
std::string arbitrary_name(size_t limit, size_t number) {
  const auto name = *rc::gen::container<std::string>(rc::gen::inRange(char{0x20}, char{0x7F}));
  return cat(std::string_view(name).substr(0, limit - 6), number);
}

Array arbitrary_array(Owned& owned) {
  Array array;
  array.element = ValueType{*rc::gen::inRange(0u, kValueTypes)};
  if (array.element == ValueType::array) array.element = ValueType::string;
  array.count = *rc::gen::inRange(0u, 20u);
  if (array.element == ValueType::string) {
    for (uint64_t i = 0; i < array.count; ++i) array.strings.push_back(owned.keep(arbitrary_text()));
  } else {
    std::vector<std::byte> bytes = arbitrary_bytes(array.count * size_bytes(array.element));
    if (array.element == ValueType::boolean) {
      for (std::byte& byte : bytes) byte &= std::byte{1};
    }
    array.bytes = owned.keep(std::move(bytes));
  }
  return array;
}

/// A number of any bits, NaN among them, as alternative I; a string; or an array.
template <size_t I = 0>
Value arbitrary_value(size_t index, Owned& owned) {
  using T = std::variant_alternative_t<I, Value>;
  if constexpr (I + 1 < std::variant_size_v<Value>) {
    if (index != I) return arbitrary_value<I + 1>(index, owned);
  }
  if constexpr (std::is_same_v<T, std::string_view>) {
    return owned.keep(arbitrary_text());
  } else if constexpr (std::is_same_v<T, Array>) {
    return arbitrary_array(owned);
  } else if constexpr (std::is_same_v<T, bool>) {
    return *rc::gen::arbitrary<bool>();
  } else {
    T value;
    std::memcpy(&value, arbitrary_bytes(sizeof(T)).data(), sizeof(T));
    return Value(std::in_place_index<I>, value);
  }
}

Tensor arbitrary_tensor(Owned& owned, size_t number) {
  Tensor tensor;
  tensor.name = owned.keep(arbitrary_name(63, number));
  const auto types = quant::tensor_types();
  tensor.type = &types[*rc::gen::inRange(size_t{0}, types.size())];
  const size_t fewest = tensor.type->block_values == 1 ? 0 : 1;  // a scalar fills no block
  const size_t n_dims = *rc::gen::inRange(fewest, size_t{5});
  for (size_t i = 0; i < n_dims; ++i) {
    const uint64_t step = i == 0 ? tensor.type->block_values : 1;
    tensor.dims.push_back(step * *rc::gen::weightedOneOf<uint64_t>({{9, rc::gen::inRange<uint64_t>(1, 4)},
                                                                    {1, rc::gen::just<uint64_t>(0)}}));
  }
  tensor.data = owned.keep(arbitrary_bytes(tensor.size_bytes()));
  return tensor;
}

Owned arbitrary_file() {
  Owned owned;
  File& file = owned.file;
  file.version = *rc::gen::element(2u, 3u);
  const size_t pairs = *rc::gen::inRange<size_t>(0, 12), tensors = *rc::gen::inRange<size_t>(0, 6);
  if (*rc::gen::arbitrary<bool>()) {
    file.alignment = uint64_t{1} << *rc::gen::inRange(0, 9);
    file.metadata.push_back({"general.alignment", static_cast<uint32_t>(file.alignment)});
  }
  for (size_t i = 0; i < pairs; ++i) {
    const size_t type = *rc::gen::inRange(size_t{0}, size_t{kValueTypes});
    file.metadata.push_back({owned.keep(arbitrary_name(200, i)), arbitrary_value(type, owned)});
  }
  for (size_t i = 0; i < tensors; ++i) file.tensors.push_back(arbitrary_tensor(owned, i));
  return owned;
}

RC_GTEST_PROP(RoundTrip, ReadsWhatWasWritten, ()) {
  const Owned owned = arbitrary_file();
  const auto bytes = write(owned.file);
  RC_ASSERT(bytes.has_value());
  const auto back = read(*bytes);
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == owned.file);
  RC_ASSERT(back->trailing_bytes == 0u);
  RC_ASSERT(*write(*back) == *bytes);
}

/// Hands out at most `piece` bytes at a time, however many are asked for.
Source pieces(std::span<const std::byte> bytes, size_t piece) {
  return [bytes, piece](std::span<std::byte> buffer) mutable -> Result<size_t> {
    const size_t count = std::min({buffer.size(), bytes.size(), piece});
    std::ranges::copy(bytes.first(count), buffer.begin());
    bytes = bytes.subspan(count);
    return count;
  };
}

class EveryWayOfReading : public testing::TestWithParam<Specimen> {};

INSTANTIATE_TEST_SUITE_P(Specimens, EveryWayOfReading, testing::ValuesIn(specimens()),
                         testing::PrintToStringParamName());

TEST_P(EveryWayOfReading, GivesTheSameFile) {
  const std::vector<std::byte>& bytes = GetParam().bytes;
  const File file = *read(bytes);

  const std::string path = cat(testing::TempDir(), "kigo_gguf_round_trip.", ::getpid());
  ASSERT_TRUE(write_file(path, bytes));
  auto opened = open(path);
  std::filesystem::remove(path);
  ASSERT_TRUE(opened);
  const MappedFile moved = std::move(*opened);
  EXPECT_EQ(moved.file, file);

  for (const size_t chunk : {size_t{1}, size_t{7}, size_t{4096}}) {
    const auto loaded = load(pieces(bytes, 1 << 20), chunk);
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->file, file) << chunk;
    EXPECT_EQ(loaded->bytes, bytes) << chunk;
    EXPECT_EQ(load(pieces(bytes, chunk), 1 << 16)->file, file) << "short reads of " << chunk;
  }
}

TEST_P(EveryWayOfReading, WritesTheSpecimenAgain) {
  const std::vector<std::byte>& bytes = GetParam().bytes;
  std::vector<std::byte> written = *write(*read(bytes));
  ASSERT_GE(written.size(), GetParam().needed);
  const auto needed = static_cast<ptrdiff_t>(GetParam().needed);
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.begin() + needed, written.begin()));
}

TEST(Load, HandsOnTheErrorOfItsSource) {
  const Source broken = [](std::span<std::byte>) -> Result<size_t> {
    return fail(Code::io, "pipe", "broken");
  };
  EXPECT_EQ(load(broken).error().message(), "pipe: broken (io)");
}

TEST(Open, NamesTheFileWhereAFieldNamesNothing) {
  const std::string name = cat("kigo_gguf_open.", ::getpid(), ".gguf"), path = testing::TempDir() + name;
  ASSERT_TRUE(write_file(path, "GGML"));
  EXPECT_EQ(open(path).error().message(),
            cat(name, ": magic: 47 47 4d 4c, expected 47 47 55 46 (\"GGUF\") (bad_magic, byte 0)"));
  ASSERT_TRUE(write_file(path, ""));
  EXPECT_EQ(open(path).error().code, Code::truncated);
  std::filesystem::remove(path);
  EXPECT_EQ(open(path).error().message(), cat(path, ": cannot open: No such file or directory (io)"));
}

// What == is worth: it sees every single difference.
TEST(FileEquality, SeesEveryDifference) {
  for (const Specimen& specimen : specimens()) {
    const File file = *read(specimen.bytes);
    EXPECT_EQ(file, *read(specimen.bytes));
    for (size_t i = 0; i < file.metadata.size(); ++i) {
      File other = file;
      other.metadata[i].key = "other";
      EXPECT_FALSE(other == file);
      other = file;
      other.metadata[i].value = Value(uint16_t{12345});
      EXPECT_FALSE(other == file);
    }
    for (size_t i = 0; i < file.tensors.size(); ++i) {
      File other = file;
      other.tensors[i].dims.push_back(1);
      EXPECT_FALSE(other == file);
      if (file.tensors[i].data.empty()) continue;
      other = file;
      other.tensors[i].data = other.tensors[i].data.first(other.tensors[i].data.size() - 1);
      EXPECT_FALSE(other == file);
    }
  }
  EXPECT_FALSE((Pair{"a", 0.0f} == Pair{"a", -0.0f}));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE((Pair{"a", nan} == Pair{"a", nan}));
}

TEST(File, FindsByNameWithAndWithoutItsIndex) {
  for (const Specimen& specimen : specimens()) {
    File file = *read(specimen.bytes);
    for (const bool indexed : {true, false}) {
      if (!indexed) file.pair_index = {}, file.tensor_index = {};
      for (const Pair& pair : file.metadata) EXPECT_EQ(file.find_pair(pair.key), &pair);
      for (const Tensor& tensor : file.tensors) EXPECT_EQ(file.find_tensor(tensor.name), &tensor);
      for (const std::string_view none : {"", "~~~", "b1", "Q8"}) {
        EXPECT_EQ(file.find(none), nullptr);
        EXPECT_EQ(file.find_tensor(none), nullptr);
      }
    }
  }
}

}  // namespace
}  // namespace kigo::gguf::test
