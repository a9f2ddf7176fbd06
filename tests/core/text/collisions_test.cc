// Hash tables of the tokenizer against files that were written to make them slow.
#include <gtest/gtest.h>

#include <cstring>
#include <ctime>

#include "core/base/cat.h"
#include "core/text/bpe.h"
#include "core/text/vocabulary.h"

namespace kigo::text {
namespace {

constexpr size_t kCount = 200'000;

/// The number whose product with `odd` is 1, modulo 2^64 (Newton).
constexpr uint64_t inverse(uint64_t odd) {
  uint64_t x = odd;
  for (int i = 0; i < 6; ++i) x *= 2 - odd * x;
  return x;
}

/// Processor seconds. A table whose entries all meet in one slot takes minutes for 200,000 of them.
template <class Work>
double seconds(const Work& work) {
  const std::clock_t start = std::clock();
  work();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

// std::hash of libstdc++ (MurmurHash64A with a fixed seed) is 0 for all of these: the second block undoes the
// first.
TEST(Vocabulary, IsNotSlowedDownByTextsOfOneHash) {
  constexpr uint64_t kMultiplier = 0xC6A4A7935BD1E995ull, kBack = inverse(kMultiplier);
  const auto shifted = [](uint64_t value) { return value ^ (value >> 47); };
  std::vector<std::string> texts(kCount, std::string(16, '\0'));
  for (uint64_t first = 0; first < kCount; ++first) {
    uint64_t state = 0xC70F6907ull ^ (16 * kMultiplier);
    state = (state ^ (shifted(first * kMultiplier) * kMultiplier)) * kMultiplier;
    const uint64_t second = shifted(state * kBack) * kBack;
    std::memcpy(texts[first].data(), &first, 8);
    std::memcpy(texts[first].data() + 8, &second, 8);
  }
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  EXPECT_LT(seconds([&] {
              const Vocabulary vocabulary(views, {});
              for (uint32_t id = 0; id < kCount; ++id) ASSERT_EQ(vocabulary.find(texts[id]), id);
            }),
            10);
}

// Pairs of ids whose products with the golden ratio (Fibonacci hashing) all begin with the same bits.
TEST(MergeTable, IsNotSlowedDownByPairsOfOneSlot) {
  constexpr uint64_t kBack = inverse(0x9E3779B97F4A7C15ull);
  std::vector<uint64_t> pairs;
  for (uint64_t i = 1; i <= kCount; ++i) {
    const uint64_t folded = i * kBack;
    uint64_t pair = folded;
    for (int round = 0; round < 3; ++round) pair = folded ^ (pair >> 29);
    pairs.push_back(pair);
  }
  EXPECT_LT(seconds([&] {
              MergeTable table(kCount);
              for (uint32_t i = 0; i < kCount; ++i)
                table.add(static_cast<uint32_t>(pairs[i] >> 32), static_cast<uint32_t>(pairs[i]), {i, i});
              for (uint32_t i = 0; i < kCount; ++i)
                ASSERT_EQ(
                    table.find(static_cast<uint32_t>(pairs[i] >> 32), static_cast<uint32_t>(pairs[i])).token,
                    i);
            }),
            10);
}

// What an honest file holds: ids that follow each other.
TEST(MergeTable, TakesNeighbouringIdsInTime) {
  EXPECT_LT(seconds([&] {
              MergeTable table(kCount);
              for (uint32_t i = 0; i < kCount; ++i) table.add(i, i + 1, {i, i});
              for (uint32_t i = 0; i < kCount; ++i) ASSERT_EQ(table.find(i, i + 1).rank, i);
            }),
            10);
}

}  // namespace
}  // namespace kigo::text
