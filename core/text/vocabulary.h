// The tokens of a vocabulary: text, kind, and the way back from a text to its id.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/keyed_hash.h"

namespace kigo::text {

/// The values of tokenizer.ggml.token_type.
enum class TokenKind : uint8_t { normal = 1, unknown, control, user_defined, unused, byte };

/// The value of a byte token's text, `<0x0A>`; nothing for another text.
std::optional<uint8_t> byte_token_value(std::string_view text);

/// Tokens by id and by text; holds its own copy of the texts.
class Vocabulary {
 public:
  Vocabulary() = default;
  /// `kinds` has one entry per text, or none at all: then every token is normal.
  Vocabulary(std::span<const std::string_view> texts, std::vector<TokenKind> kinds);

  uint32_t size() const { return static_cast<uint32_t>(ends_.size()); }
  /// As in the file; normal tokens are written in the byte map. id < size().
  std::string_view text(uint32_t id) const;
  TokenKind kind(uint32_t id) const { return kinds_.empty() ? TokenKind::normal : kinds_[id]; }
  /// The lowest id with that text.
  std::optional<uint32_t> find(std::string_view text) const;

  /// Tokens whose text an earlier one has: they decode and never encode.
  uint32_t duplicates() const { return duplicates_; }
  uint32_t empty_texts() const { return empty_texts_; }

 private:
  struct Slot {
    uint32_t tag;  // the upper bits of the hash; the lower ones choose the slot
    uint32_t id;
  };
  size_t slot_of(std::string_view text, uint64_t hash) const;

  KeyedHash hash_;
  std::string texts_;             // one after another
  std::vector<uint64_t> ends_;    // [size], end of each text in texts_
  std::vector<TokenKind> kinds_;  // [size] or empty
  std::vector<Slot> slots_;       // open addressing, a power of two, at most half full
  uint32_t duplicates_ = 0;
  uint32_t empty_texts_ = 0;
};

}  // namespace kigo::text
