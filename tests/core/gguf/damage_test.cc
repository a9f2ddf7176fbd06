// Files that are cut at every byte or have any one bit flipped: refused with a code, or accepted and then
// understood in full.
#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "core/gguf/writer.h"
#include "tests/core/gguf/specimens.h"
#include "tests/core/gguf/watched_read.h"

namespace kigo::gguf::test {
namespace {

class Damage : public testing::TestWithParam<Specimen> {};

INSTANTIATE_TEST_SUITE_P(Specimens, Damage, testing::ValuesIn(specimens()),
                         testing::PrintToStringParamName());

TEST_P(Damage, IsRefusedExactlyWhereAPrefixLacksANeededByte) {
  const Specimen& specimen = GetParam();
  for (size_t length = 0; length <= specimen.bytes.size(); ++length) {
    // A copy that ends where the prefix ends: the sanitizer sees a read beyond it.
    const std::vector<std::byte> prefix(specimen.bytes.begin(),
                                        specimen.bytes.begin() + static_cast<ptrdiff_t>(length));
    const auto file = watched_read(prefix);
    ASSERT_EQ(file.has_value(), length >= specimen.needed) << length << " of " << specimen.needed;
    if (!file) {
      ASSERT_EQ(file.error().code, Code::truncated) << file.error().message();
    }
  }
}

/// Whether the writer makes the same file again, but for padding and trailing bytes.
testing::AssertionResult reproduces(const File& file, const std::vector<std::byte>& bytes) {
  const auto written = write(file);
  if (!written) return testing::AssertionFailure() << "not written: " << written.error().message();
  const auto same = [&](size_t begin, size_t count) {
    return begin + count <= written->size() && begin + count <= bytes.size() &&
           std::memcmp(written->data() + begin, bytes.data() + begin, count) == 0;
  };
  if (!same(0, file.head_bytes)) return testing::AssertionFailure() << "another head";
  for (const Tensor& tensor : file.tensors) {
    if (!same(file.data_offset + tensor.offset, tensor.data.size()))
      return testing::AssertionFailure() << "other data in " << tensor.name;
  }
  return testing::AssertionSuccess();
}

/// The codes with which flips of single bits before the data are refused.
std::set<Code> codes_of_flips(const Specimen& specimen) {
  std::set<Code> codes;
  std::vector<std::byte> bytes = specimen.bytes;
  const size_t head_bytes = watched_read(bytes)->head_bytes;
  for (size_t bit = 0; bit < 8 * head_bytes; ++bit) {
    const std::byte mask{static_cast<unsigned char>(1u << (bit % 8))};
    bytes[bit / 8] ^= mask;
    const auto file = watched_read(bytes);
    if (file) {
      EXPECT_TRUE(reproduces(*file, bytes)) << "bit " << bit;
    } else {
      codes.insert(file.error().code);
      EXPECT_TRUE(file.error().offset && *file.error().offset <= bytes.size() + (1ull << 31))
          << "bit " << bit;
      EXPECT_FALSE(file.error().subject.empty() || file.error().found.empty() ||
                   file.error().expected.empty())
          << "bit " << bit << ": " << file.error().message();
    }
    bytes[bit / 8] ^= mask;
  }
  return codes;
}

TEST_P(Damage, OfOneBitIsRefusedOrUnderstood) { codes_of_flips(GetParam()); }

TEST(DamageOfOneBit, ReachesEveryStageOfTheReader) {
  std::set<std::string_view> codes;
  for (const Specimen& specimen : specimens()) {
    for (const Code code : codes_of_flips(specimen)) codes.insert(name(code));
  }
  // All codes of the format but two: io has no bytes, and big_endian takes two bits.
  EXPECT_EQ(codes, (std::set<std::string_view>{"truncated", "bad_magic", "bad_version", "limit_exceeded",
                                               "bad_name", "duplicate_name", "bad_value_type",
                                               "bad_tensor_type", "bad_value", "wrong_type", "bad_shape",
                                               "size_overflow", "bad_offset", "split_file"}));
}

}  // namespace
}  // namespace kigo::gguf::test
