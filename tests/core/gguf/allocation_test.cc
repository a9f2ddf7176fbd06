// Counts and lengths ask for no memory that the rest of the file cannot justify. (Every other test of this
// folder reads through watched_read, which holds the weaker bound on the whole file.)
#include <gtest/gtest.h>

#include "core/gguf/reader.h"
#include "tests/core/gguf/allocations.h"
#include "tests/core/gguf/bytes.h"

namespace kigo::gguf::test {
namespace {

/// The largest request while reading a file of a megabyte whose last field claims more than the bytes left.
size_t largest_request(const Bytes& bytes, bool accepted = false) {
  const AllocationWatch watch;
  const auto file = read(bytes);
  const size_t largest = watch.largest();
  EXPECT_EQ(file.has_value(), accepted);
  return largest;
}

Bytes long_file(uint64_t tensors, uint64_t pairs) {
  return Bytes().header(tensors, pairs).pair("long", std::string(1 << 20, 'x'));
}

TEST(Allocation, FollowsTheBytesLeftAtAnArrayOfStrings) {
  // The claim fits the bytes left (8 each), the strings do not.
  EXPECT_LE(largest_request(long_file(0, 2).array("a", ValueType::string, 1000).fill(8000, 0xFF)),
            16u * 8000 + 4096);
  EXPECT_LE(largest_request(long_file(0, 2).array("a", ValueType::string, 1000000).fill(100)),
            16u * 100 + 4096);
}

TEST(Allocation, FollowsTheBytesLeftAtAnArrayOfNumbers) {
  EXPECT_LE(largest_request(long_file(0, 2).array("a", ValueType::f64, 1000000).fill(100)), 16u * 100 + 4096);
}

TEST(Allocation, FollowsTheBytesLeftAtTheTensorInfos) {
  // The header's claim fits the file, but not what is left behind the metadata.
  EXPECT_LE(largest_request(long_file(40000, 1).info("t", {1}, kF32, 0).fill(100)), 16u * 140 + 4096);
}

TEST(Allocation, FollowsTheFileAtTheMetadataCount) {
  const Bytes bytes = Bytes().header(0, 60000).fill(840000, 0xFF);
  EXPECT_LE(largest_request(bytes), 16 * bytes.size() + 4096);
}

TEST(Allocation, TakesNoneForATensorsData) {
  EXPECT_LE(largest_request(Bytes().header(1, 0).info("t", {1 << 20}, kF32, 0).pad(32).fill(4 << 20), true),
            4096u);
}

TEST(Allocation, OfAPipeFollowsWhatHasArrived) {
  size_t given = 0;
  const Source endless_claim = [&given](std::span<std::byte> buffer) -> Result<size_t> {
    const Bytes bytes = Bytes().header(0, 1).array("a", ValueType::u8, 1 << 30);
    const size_t count = std::min(buffer.size(), bytes.size() - given);
    std::copy_n(std::span<const std::byte>(bytes).begin() + static_cast<ptrdiff_t>(given), count,
                buffer.begin());
    given += count;
    return count;
  };
  const AllocationWatch watch;
  EXPECT_EQ(load(endless_claim, 64).error().code, Code::truncated);
  EXPECT_LE(watch.peak(), 4096u);
}

// The watch itself: without this, a hook that counts nothing would pass every test above.
TEST(AllocationWatch, SeesRequestsAndReleases) {
  const AllocationWatch watch;
  { const std::vector<std::byte> some(5000); }
  const std::vector<std::byte> more(3000);
  EXPECT_EQ(watch.largest(), 5000u);
  EXPECT_GE(watch.peak(), 5000u);
  EXPECT_LT(watch.peak(), 8000u);
  EXPECT_EQ(more.size(), 3000u);
}

}  // namespace
}  // namespace kigo::gguf::test
