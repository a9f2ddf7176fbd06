// Finds names among many: what keeps the reader's check for duplicates, and look-ups in a file, from being
// quadratic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/keyed_hash.h"

namespace kigo::gguf {

/// Positions of entries by name: a hash table with open addressing that leaves the names where they are,
/// keyed so that no file can choose names that collide.
class NameIndex {
 public:
  /// Room for `count` names: at most 32 bytes each, asked for at once.
  void reserve(size_t count);

  /// Adds a name, or returns the position of the equal one that is there; `name_at(position)` gives the names
  /// added before. There must be room.
  template <class NameAt>
  std::optional<uint32_t> add(std::string_view name, uint32_t position, const NameAt& name_at) {
    Slot& slot = slots_[locate(name, name_at)];
    if (slot.taken != 0) return slot.taken - 1;
    slot = {tag(hash_(name)), position + 1};
    ++size_;
    return std::nullopt;
  }

  /// The position of that name.
  template <class NameAt>
  std::optional<uint32_t> find(std::string_view name, const NameAt& name_at) const {
    if (size_ == 0) return std::nullopt;
    const Slot& slot = slots_[locate(name, name_at)];
    return slot.taken == 0 ? std::nullopt : std::optional<uint32_t>(slot.taken - 1);
  }

  size_t size() const { return size_; }

 private:
  struct Slot {
    uint32_t tag = 0;
    uint32_t taken = 0;  // position + 1; 0: free
  };

  static uint32_t tag(uint64_t hash) { return static_cast<uint32_t>(hash >> 29); }  // the upper 32 of 61 bits

  /// The slot that holds the name, or the free one where it would stand: at least half of all are free.
  template <class NameAt>
  size_t locate(std::string_view name, const NameAt& name_at) const {
    const uint64_t h = hash_(name);
    size_t at = h & (slots_.size() - 1);
    while (slots_[at].taken != 0 && (slots_[at].tag != tag(h) || name_at(slots_[at].taken - 1) != name))
      at = (at + 1) & (slots_.size() - 1);
    return at;
  }

  std::vector<Slot> slots_;  // a power of two of them
  size_t size_ = 0;
  KeyedHash hash_;
};

}  // namespace kigo::gguf
