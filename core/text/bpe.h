// Byte pair encoding: the merges of a vocabulary, and their application to one word.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/base/keyed_hash.h"

namespace kigo::text {

/// What becomes of two neighbouring tokens.
struct Merge {
  static constexpr uint32_t kNever = std::numeric_limits<uint32_t>::max();
  uint32_t rank = kNever;  // lower ranks merge first
  uint32_t token = 0;
};

/// The merges of a vocabulary, by the pair of ids.
class MergeTable {
 public:
  MergeTable() = default;
  explicit MergeTable(size_t capacity);

  /// The first rank of a pair is kept. At most `capacity` calls.
  void add(uint32_t left, uint32_t right, Merge merge);
  /// Merge::kNever when the pair does not merge.
  Merge find(uint32_t left, uint32_t right) const;

 private:
  struct Slot {
    uint64_t pair;
    Merge merge;
  };
  size_t slot_of(uint32_t left, uint32_t right) const;

  KeyedHash hash_;
  std::vector<Slot> slots_;  // open addressing, a power of two, at most two thirds full
};

/// Applies merges to words; keeps its memory from word to word, so there is one per call or thread.
class BpeMerger {
 public:
  explicit BpeMerger(const MergeTable& table) : table_(&table) {}

  /// Replaces the symbols from `first` to the end by the tokens that they merge to: always the lowest rank
  /// next, the leftmost of equals. n log n for a word of n symbols, n < 2^32.
  /// Source: Sennrich et al., arXiv:1508.07909, algorithm 1, with the ranks of GPT-2's merges.txt.
  void merge(std::vector<uint32_t>& symbols, size_t first);

 private:
  struct Node {
    uint32_t token;
    uint32_t left, right;  // neighbours that are still there
    Merge with_right;
  };
  void consider(uint32_t at);

  const MergeTable* table_;
  std::vector<Node> nodes_;
  std::vector<uint64_t> heap_;  // rank * 2^32 + position, the smallest on top
};

}  // namespace kigo::text
