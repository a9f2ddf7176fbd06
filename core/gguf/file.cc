// The table of value types, look-ups by name, and equality bit by bit.
#include "core/gguf/file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <type_traits>

namespace kigo::gguf {
namespace {

struct ValueTypeRow {
  std::string_view name;
  uint64_t bytes;
};
constexpr std::array<ValueTypeRow, kValueTypes> kRows{{
    {"u8", 1},
    {"i8", 1},
    {"u16", 2},
    {"i16", 2},
    {"u32", 4},
    {"i32", 4},
    {"f32", 4},
    {"bool", 1},
    {"string", 0},
    {"array", 0},
    {"u64", 8},
    {"i64", 8},
    {"f64", 8},
}};

/// The entry of that name, by the index when it belongs to the entries.
template <class Entry>
const Entry* find_entry(const std::vector<Entry>& entries, const NameIndex& index, std::string_view wanted,
                        std::string_view Entry::*name) {
  if (index.size() != entries.size()) {
    const auto at = std::ranges::find(entries, wanted, name);
    return at == entries.end() ? nullptr : &*at;
  }
  const auto position = index.find(wanted, [&](uint32_t at) { return entries[at].*name; });
  return position ? &entries[*position] : nullptr;
}

bool same_bytes(std::span<const std::byte> a, std::span<const std::byte> b) {
  return std::ranges::equal(a, b);
}

}  // namespace

std::string_view name(ValueType type) { return kRows[static_cast<size_t>(type)].name; }

uint64_t size_bytes(ValueType type) { return kRows[static_cast<size_t>(type)].bytes; }

bool operator==(const Array& a, const Array& b) {
  return a.element == b.element && a.count == b.count && same_bytes(a.bytes, b.bytes) &&
         a.strings == b.strings;
}

bool operator==(const Pair& a, const Pair& b) {
  if (a.key != b.key || a.value.index() != b.value.index()) return false;
  const auto same = [&b](const auto& value) {
    using T = std::decay_t<decltype(value)>;
    const T& other = std::get<T>(b.value);
    if constexpr (std::is_arithmetic_v<T>) {
      using Bits = std::array<std::byte, sizeof(T)>;
      return std::bit_cast<Bits>(value) == std::bit_cast<Bits>(other);
    } else {
      return value == other;
    }
  };
  return std::visit(same, a.value);
}

bool operator==(const Tensor& a, const Tensor& b) {
  return a.name == b.name && a.dims == b.dims && a.type == b.type && same_bytes(a.data, b.data);
}

bool operator==(const File& a, const File& b) {
  return a.version == b.version && a.alignment == b.alignment && a.metadata == b.metadata &&
         a.tensors == b.tensors;
}

const Pair* File::find_pair(std::string_view key) const {
  return find_entry(metadata, pair_index, key, &Pair::key);
}

const Value* File::find(std::string_view key) const {
  const Pair* pair = find_pair(key);
  return pair == nullptr ? nullptr : &pair->value;
}

const Tensor* File::find_tensor(std::string_view wanted) const {
  return find_entry(tensors, tensor_index, wanted, &Tensor::name);
}

}  // namespace kigo::gguf
