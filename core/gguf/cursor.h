// The reader's place in a file: checked reads, and errors that name the place.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace kigo::gguf {

static_assert(std::endian::native == std::endian::little, "numbers are read as they lie in the file");

inline std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// "ff fe", at most 64 bytes.
std::string hex_bytes(std::string_view bytes);

/// Moves over bytes, never past their end. Where a read is refused the cursor stays before the field.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  uint64_t at() const { return at_; }
  uint64_t size() const { return bytes_.size(); }
  uint64_t left() const { return bytes_.size() - at_; }

  /// What errors name from here on: a header field; the n-th entry of many; an entry whose name is known.
  void enter(std::string_view field) { *this = {bytes_, at_, field, 0, 0}; }
  void enter(std::string_view kind, uint64_t number, uint64_t count) {
    *this = {bytes_, at_, kind, number, count};
  }
  void named(std::string_view entry) { *this = {bytes_, at_, entry, 0, 0}; }
  std::string subject() const;

  /// A little-endian number. Errors: truncated.
  template <class T>
  Result<T> take(std::string_view field) {
    if (left() < sizeof(T)) return truncated(field, sizeof(T), at_);
    T value;
    std::memcpy(&value, bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }

  /// The next `count` bytes, which must be there (compare with left() first).
  std::span<const std::byte> take_bytes(uint64_t count);

  /// A length and that many bytes. Errors: limit_exceeded, truncated; both at the length.
  Result<std::string_view> take_string(std::string_view field, uint64_t limit);

  /// `what: N bytes left in a file of M, expected at least NEEDED`.
  tl::unexpected<Error> truncated(std::string_view what, uint64_t needed, uint64_t offset) const;
  tl::unexpected<Error> refuse(Code code, std::string found, std::string expected, uint64_t offset) const;

 private:
  Cursor(std::span<const std::byte> bytes, uint64_t at, std::string_view name, uint64_t number,
         uint64_t count)
      : bytes_(bytes), at_(at), name_(name), number_(number), count_(count) {}

  std::span<const std::byte> bytes_;
  uint64_t at_ = 0;
  std::string_view name_;
  uint64_t number_ = 0;  // from 1; 0: the name is all
  uint64_t count_ = 0;
};

}  // namespace kigo::gguf
