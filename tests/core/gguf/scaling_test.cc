// Reading takes time in proportion to the file: no look-up among names may be quadratic. (Times as such are
// measured in bench/.)
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <limits>

#include "core/base/cat.h"
#include "core/gguf/reader.h"
#include "tests/core/gguf/bytes.h"

namespace kigo::gguf::test {
namespace {

Bytes many_tensors(uint64_t count) {
  Bytes b = Bytes().header(count, 0);
  for (uint64_t i = 0; i < count; ++i) b.info(cat("blk.", i, ".ffn_down.weight"), {0}, kF32, 0);
  return b.pad(32);
}

Bytes many_keys(uint64_t count) {
  Bytes b = Bytes().header(0, count);
  for (uint64_t i = 0; i < count; ++i) b.pair(cat("general.source.", i, ".url"), "here");
  return b;
}

Bytes vocabulary(uint64_t count) {
  Bytes b = Bytes().header(0, 3).array("tokenizer.ggml.tokens", ValueType::string, count);
  for (uint64_t i = 0; i < count; ++i) b.text(cat("token", i));
  b.array("tokenizer.ggml.token_type", ValueType::i32, count).fill(4 * count, 1);
  b.array("tokenizer.ggml.merges", ValueType::string, count);
  for (uint64_t i = 0; i < count; ++i) b.text(cat("to ken", i));
  return b;
}

/// Processor time to read the file and look up every name in it, in ticks.
double ticks(const Bytes& bytes) {
  const std::clock_t start = std::clock();
  const auto file = read(bytes);
  EXPECT_TRUE(file);
  size_t found = 0;
  for (const Pair& pair : file->metadata) found += file->find_pair(pair.key) == &pair ? 1 : 0;
  for (const Tensor& tensor : file->tensors) found += file->find_tensor(tensor.name) == &tensor ? 1 : 0;
  EXPECT_EQ(found, file->metadata.size() + file->tensors.size());
  return static_cast<double>(std::clock() - start);
}

/// The smallest ratio of the best times; a busy machine gets many chances, a quadratic reader (4) none.
double ratio(const Bytes& twice, const Bytes& once) {
  double best_twice = std::numeric_limits<double>::max(), best_once = best_twice;
  for (int round = 0; round < 40; ++round) {
    best_twice = std::min(best_twice, ticks(twice));
    best_once = std::min(best_once, ticks(once));
    if (round >= 4 && best_twice <= 2.5 * best_once) break;
  }
  return best_twice / best_once;
}

TEST(Scaling, OfTensorsIsLinear) { EXPECT_LE(ratio(many_tensors(65536), many_tensors(32768)), 2.5); }

TEST(Scaling, OfKeysIsLinear) { EXPECT_LE(ratio(many_keys(65536), many_keys(32768)), 2.5); }

TEST(Scaling, OfAVocabularyIsLinear) { EXPECT_LE(ratio(vocabulary(303872), vocabulary(151936)), 2.5); }

}  // namespace
}  // namespace kigo::gguf::test
