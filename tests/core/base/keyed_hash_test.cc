#include "core/base/keyed_hash.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <vector>

namespace kigo {
namespace {

TEST(KeyedHash, GivesTheSameForTheSameText) {
  const KeyedHash hash;
  EXPECT_EQ(hash("old pond"), hash(std::string("old pond")));
  EXPECT_EQ(hash(3u, 4u), hash(3u, 4u));
}

TEST(KeyedHash, DiffersFromObjectToObject) {
  EXPECT_NE(KeyedHash()("old pond"), KeyedHash()("old pond"));
  EXPECT_NE(KeyedHash()(3u, 4u), KeyedHash()(3u, 4u));
}

// Lengths, zero bytes, the border of a piece of seven bytes, and the order of a pair all count.
TEST(KeyedHash, TellsTextsAndPairsApart) {
  const KeyedHash hash;
  std::set<uint64_t> seen;
  size_t texts = 0;
  for (const std::string& text :
       {std::string(), std::string("a"), std::string("a\0", 2), std::string("\0a", 2), std::string(7, 'a'),
        std::string(8, 'a'), std::string(14, 'a'), std::string(7, '\0'), std::string(8, '\0'),
        std::string("aaaaaaab"), std::string("baaaaaaa")}) {
    seen.insert(hash(text));
    ++texts;
  }
  EXPECT_EQ(seen.size(), texts);
  seen.clear();
  constexpr auto kEdges = std::to_array<uint32_t>({0, 1, 2, 255, 151935, 0x7FFFFFFF, 0xFFFFFFFF});
  for (const uint32_t a : kEdges)
    for (const uint32_t b : kEdges) seen.insert(hash(a, b));
  EXPECT_EQ(seen.size(), kEdges.size() * kEdges.size());
}

// By the definition with arbitrary precision: the value stays below the prime for the largest operands.
TEST(KeyedHash, StaysBelowItsPrime) {
  for (int i = 0; i < 1000; ++i) {
    const KeyedHash hash;
    EXPECT_LT(hash(0xFFFFFFFFu, 0xFFFFFFFFu), (1ull << 61) - 1);
    EXPECT_LT(hash(std::string(700, '\xFF')), (1ull << 61) - 1);
  }
}

TEST(KeyedHash, SpreadsPairsOverItsLowBits) {
  const KeyedHash hash;
  std::vector<int> slots(1024);
  for (uint32_t a = 0; a < 256; ++a)
    for (uint32_t b = 0; b < 256; ++b) ++slots[hash(a << 8, b << 16) & 1023];
  for (const int count : slots) {  // 64 each on average
    EXPECT_GT(count, 0);
    EXPECT_LT(count, 640);
  }
}

}  // namespace
}  // namespace kigo
