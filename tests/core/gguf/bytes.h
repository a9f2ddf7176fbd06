// Builds the bytes of GGUF files field by field, right or wrong, without the code under test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "core/gguf/file.h"

namespace kigo::gguf::test {

inline constexpr uint64_t kOne = 1;  // of 64 bits, to be shifted

class Bytes {
 public:
  template <class T>
  Bytes& put(T value) {
    const size_t at = bytes_.size();
    bytes_.resize(at + sizeof value);
    std::memcpy(bytes_.data() + at, &value, sizeof value);
    return *this;
  }
  Bytes& u8(uint8_t value) { return put(value); }
  Bytes& u32(uint32_t value) { return put(value); }
  Bytes& u64(uint64_t value) { return put(value); }
  Bytes& raw(std::string_view text) {
    for (const char c : text) put(c);
    return *this;
  }
  Bytes& text(std::string_view text) { return u64(text.size()).raw(text); }
  Bytes& type(ValueType type) { return u32(static_cast<uint32_t>(type)); }
  Bytes& fill(size_t count, int byte = 0x5A) {
    bytes_.resize(bytes_.size() + count, static_cast<std::byte>(byte));
    return *this;
  }
  Bytes& pad(size_t alignment) { return fill((alignment - bytes_.size() % alignment) % alignment, 0); }

  Bytes& header(uint64_t tensors, uint64_t pairs, uint32_t version = 3) {
    return raw("GGUF").u32(version).u64(tensors).u64(pairs);
  }
  template <class T>
  Bytes& pair(std::string_view key, ValueType value_type, T value) {
    return text(key).type(value_type).put(value);
  }
  Bytes& pair(std::string_view key, std::string_view value) {
    return text(key).type(ValueType::string).text(value);
  }
  /// The elements are put afterwards.
  Bytes& array(std::string_view key, ValueType element, uint64_t count) {
    return text(key).type(ValueType::array).type(element).u64(count);
  }
  Bytes& info(std::string_view name, const std::vector<uint64_t>& dims, uint32_t type_id, uint64_t offset) {
    text(name).u32(static_cast<uint32_t>(dims.size()));
    for (const uint64_t dim : dims) u64(dim);
    return u32(type_id).u64(offset);
  }

  size_t size() const { return bytes_.size(); }
  std::vector<std::byte>& vector() { return bytes_; }
  operator std::span<const std::byte>() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

// Type ids as in docs/formats.md, section 2.
inline constexpr uint32_t kF32 = 0, kF16 = 1, kQ4_0 = 2, kQ8_0 = 8, kQ4_K = 12, kQ6_K = 14, kIQ4_NL = 20,
                          kI8 = 24, kI32 = 26, kF64 = 28;

}  // namespace kigo::gguf::test
