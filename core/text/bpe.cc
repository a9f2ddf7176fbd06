#include "core/text/bpe.h"

#include <algorithm>
#include <bit>
#include <functional>

#include "core/base/check.h"

namespace kigo::text {
namespace {

constexpr uint64_t kFreePair = std::numeric_limits<uint64_t>::max();
constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

uint64_t pair_of(uint32_t left, uint32_t right) { return uint64_t{left} << 32 | right; }

}  // namespace

MergeTable::MergeTable(size_t capacity)
    : slots_(std::bit_ceil(capacity + capacity / 2 + 2), Slot{kFreePair, {}}) {}

size_t MergeTable::slot_of(uint32_t left, uint32_t right) const {
  const size_t mask = slots_.size() - 1;
  const uint64_t pair = pair_of(left, right);
  for (size_t at = hash_(left, right) & mask;; at = (at + 1) & mask)
    if (slots_[at].pair == pair || slots_[at].pair == kFreePair) return at;
}

void MergeTable::add(uint32_t left, uint32_t right, Merge merge) {
  Slot& slot = slots_[slot_of(left, right)];
  if (slot.pair == kFreePair) slot = {pair_of(left, right), merge};
}

Merge MergeTable::find(uint32_t left, uint32_t right) const {
  if (slots_.empty()) return {};
  return slots_[slot_of(left, right)].merge;
}

void BpeMerger::consider(uint32_t at) {
  Node& node = nodes_[at];
  node.with_right = node.right == kNone ? Merge{} : table_->find(node.token, nodes_[node.right].token);
  if (node.with_right.rank == Merge::kNever) return;
  heap_.push_back(uint64_t{node.with_right.rank} << 32 | at);
  std::ranges::push_heap(heap_, std::greater{});
}

void BpeMerger::merge(std::vector<uint32_t>& symbols, size_t first) {
  const size_t count = symbols.size() - first;
  KIGO_CHECK(count < kNone);
  if (count < 2) return;
  nodes_.resize(count);
  heap_.clear();
  for (uint32_t i = 0; i < count; ++i)
    nodes_[i] = {symbols[first + i], i == 0 ? kNone : i - 1, i + 1 == count ? kNone : i + 1, {}};
  for (uint32_t i = 0; i + 1 < count; ++i) consider(i);

  while (!heap_.empty()) {
    std::ranges::pop_heap(heap_, std::greater{});
    const uint64_t next = heap_.back();
    heap_.pop_back();
    Node& node = nodes_[static_cast<uint32_t>(next)];
    // An entry is stale when one of its two tokens has merged meanwhile. A pair at one place never comes back
    // (tokens only grow), so the rank tells.
    if (node.with_right.rank != next >> 32) continue;
    Node& gone = nodes_[node.right];
    node.token = node.with_right.token;
    node.right = gone.right;
    gone.with_right = {};
    if (node.right != kNone) nodes_[node.right].left = static_cast<uint32_t>(next);
    consider(static_cast<uint32_t>(next));
    if (node.left != kNone) consider(node.left);
  }

  symbols.resize(first);
  for (uint32_t at = 0; at != kNone; at = nodes_[at].right) symbols.push_back(nodes_[at].token);
}

}  // namespace kigo::text
