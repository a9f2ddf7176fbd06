// The bounds that every read is held to.
#include "tests/core/gguf/watched_read.h"

#include <gtest/gtest.h>

#include "core/gguf/reader.h"
#include "tests/core/gguf/allocations.h"

namespace kigo::gguf::test {

Result<File> watched_read(std::span<const std::byte> bytes) {
  const AllocationWatch watch;
  auto file = read(bytes);
  const size_t peak = watch.peak(), largest = watch.largest();
  EXPECT_LE(peak, 16 * bytes.size() + (1 << 20)) << "peak, for a file of " << bytes.size() << " bytes";
  EXPECT_LE(largest, 16 * bytes.size() + 4096) << "one request, for a file of " << bytes.size() << " bytes";
  return file;
}

std::string outcome(std::span<const std::byte> bytes) {
  const auto file = watched_read(bytes);
  return file ? "accepted" : file.error().message();
}

}  // namespace kigo::gguf::test
