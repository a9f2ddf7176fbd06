#include "core/text/vocabulary.h"

#include <bit>
#include <limits>

#include "core/base/check.h"

namespace kigo::text {
namespace {

constexpr uint32_t kFree = std::numeric_limits<uint32_t>::max();

uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 29); }  // the upper 32 of 61 bits

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::optional<uint8_t> byte_token_value(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return std::nullopt;
  const int high = hex_digit(text[3]);
  const int low = hex_digit(text[4]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<uint8_t>(high * 16 + low);
}

Vocabulary::Vocabulary(std::span<const std::string_view> texts, std::vector<TokenKind> kinds)
    : kinds_(std::move(kinds)) {
  KIGO_CHECK(texts.size() < kFree && (kinds_.empty() || kinds_.size() == texts.size()));
  size_t bytes = 0;
  for (const std::string_view text : texts) bytes += text.size();
  texts_.reserve(bytes);
  ends_.reserve(texts.size());
  slots_.assign(std::bit_ceil(2 * texts.size() + 1), Slot{0, kFree});
  for (const std::string_view text : texts) {
    if (text.empty()) ++empty_texts_;
    const uint64_t hash = hash_(text);
    Slot& slot = slots_[slot_of(text, hash)];
    if (slot.id == kFree) {
      slot = {tag_of(hash), size()};
    } else {
      ++duplicates_;
    }
    texts_ += text;
    ends_.push_back(texts_.size());
  }
}

std::string_view Vocabulary::text(uint32_t id) const {
  KIGO_CHECK(id < size());
  const uint64_t begin = id == 0 ? 0 : ends_[id - 1];
  return std::string_view(texts_).substr(begin, ends_[id] - begin);
}

/// The slot that holds `text`, or the free one where it belongs.
size_t Vocabulary::slot_of(std::string_view text, uint64_t hash) const {
  const size_t mask = slots_.size() - 1;
  for (size_t at = hash & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.id == kFree || (slot.tag == tag_of(hash) && this->text(slot.id) == text)) return at;
  }
}

std::optional<uint32_t> Vocabulary::find(std::string_view text) const {
  if (slots_.empty()) return std::nullopt;
  const Slot& slot = slots_[slot_of(text, hash_(text))];
  if (slot.id == kFree) return std::nullopt;
  return slot.id;
}

}  // namespace kigo::text
