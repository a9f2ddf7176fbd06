#include "core/text/tokenizer.h"

#include <algorithm>
#include <new>

#include "core/base/cat.h"
#include "core/base/check.h"
#include "core/base/fault.h"
#include "core/text/byte_map.h"
#include "core/text/unicode.h"

namespace kigo::text {
namespace {

constexpr size_t kMaxTextBytes = size_t{1}
                                 << 30;  // normal form C at most triples it: offsets stay in 32 bits

std::string mapped(uint8_t byte) {
  std::string text;
  append_utf8(text, kBytePoints[byte]);
  return text;
}

/// The bytes that a token text in the byte map stands for. A text with any other character is taken as it is,
/// as Hugging Face's ByteLevel decoder does.
std::string unmapped(std::string_view text) {
  std::string bytes;
  for (size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_step(text.substr(at));
    const auto byte = step.kind == Utf8::valid ? byte_of_point(step.code_point) : std::nullopt;
    if (!byte) return std::string(text);
    if (KIGO_FAULT(F47) && *byte != ' ' && *byte != '\n') {
      bytes += text.substr(at, step.length);
    } else {
      bytes += static_cast<char>(*byte);
    }
    at += step.length;
  }
  return bytes;
}

}  // namespace

Tokenizer::Tokenizer(Vocabulary vocabulary, const PreFormat& format)
    : vocabulary_(std::move(vocabulary)), special_tokens_(vocabulary_), pretokenizer_(format) {
  for (unsigned byte = 0; byte < 256; ++byte)
    byte_ids_[byte] = vocabulary_.find(mapped(static_cast<uint8_t>(byte)));
}

/// Each merge is two texts with one space between them (checked by the reader); its index is its rank.
void Tokenizer::set_merges(std::span<const std::string_view> merges) {
  merges_ = MergeTable(merges.size());
  std::string joined;
  for (uint32_t rank = 0; rank < merges.size(); ++rank) {
    const size_t space = merges[rank].find(' ');
    const std::string_view left = merges[rank].substr(0, space);
    const std::string_view right = merges[rank].substr(space + 1);
    joined.assign(left).append(right);
    const auto left_id = vocabulary_.find(left);
    const auto right_id = vocabulary_.find(right);
    const auto token = vocabulary_.find(joined);
    if (left_id && right_id && token) {
      merges_.add(*left_id, *right_id, {rank, *token});
    } else {
      ++unusable_merges_;
    }
  }
}

/// What follows from the rest, once all keys are read.
void Tokenizer::finish() {
  if (chat_template_) chat_format_ = find_chat_format(*chat_template_);
  end_ids_ = {eos_};
  for (const auto& id : {eot_, eom_})
    if (id) end_ids_.push_back(*id);
  if (chat_format_ != nullptr)
    if (const auto id = vocabulary_.find(chat_format_->end_marker)) end_ids_.push_back(*id);
  std::ranges::sort(end_ids_);
  end_ids_.erase(std::unique(end_ids_.begin(), end_ids_.end()), end_ids_.end());

  const auto missing_bytes = std::count(byte_ids_.begin(), byte_ids_.end(), std::nullopt);
  if (missing_bytes > 0) notes_.push_back(cat("tokens: ", missing_bytes, " of 256 bytes have no token"));
  if (vocabulary_.duplicates() > 0)
    notes_.push_back(cat("tokens: ", vocabulary_.duplicates(), " repeat the text of a lower id"));
  if (vocabulary_.empty_texts() > 0)
    notes_.push_back(cat("tokens: ", vocabulary_.empty_texts(), " are empty"));
  if (unusable_merges_ > 0)
    notes_.push_back(cat("merges: ", unusable_merges_, " name pieces that are no tokens"));
}

bool Tokenizer::is_end(uint32_t id) const { return std::ranges::binary_search(end_ids_, id); }

std::vector<uint8_t> Tokenizer::drawable_ids() const {
  std::vector<uint8_t> ids(size());
  for (uint32_t id = 0; id < size(); ++id) ids[id] = drawable(id) ? 1 : 0;
  return ids;
}

Result<std::vector<uint32_t>> Tokenizer::encode(std::string_view text, Special special) const {
  std::vector<uint32_t> ids;
  if (add_bos_) ids.push_back(*bos_);
  KIGO_TRY(append(text, special, ids));
  if (add_eos_) ids.push_back(eos_);
  return ids;
}

Status Tokenizer::append(std::string_view text, Special special, std::vector<uint32_t>& ids) const {
  if (text.size() > kMaxTextBytes)
    return fail(Code::limit_exceeded, "text", cat(text.size(), " bytes"), cat("at most ", kMaxTextBytes));
  KIGO_TRY(check_utf8(text, "text"));
  try {
    return append_parts(text, special, ids);
  } catch (const std::bad_alloc&) {
    return fail(Code::out_of_memory, "text", cat("no memory for the ids of ", text.size(), " bytes"));
  }
}

/// The special tokens of a text, and the words between them.
Status Tokenizer::append_parts(std::string_view text, Special special, std::vector<uint32_t>& ids) const {
  size_t at = 0;
  for (const SpecialTokens::Match& match : special_tokens_.find(text, special)) {
    KIGO_TRY(append_words(text.substr(at, match.at - at), ids));
    ids.push_back(match.id);
    at = match.at + match.length;
  }
  return append_words(text.substr(at), ids);
}

/// The token that a word is as it stands, where the format takes words that way.
std::optional<uint32_t> Tokenizer::whole_word(std::string_view word) const {
  if (!pretokenizer_.format().whole_words) return std::nullopt;
  std::string text;
  for (const char byte : word) append_utf8(text, kBytePoints[static_cast<uint8_t>(byte)]);
  const auto id = vocabulary_.find(text);
  return id && vocabulary_.kind(*id) == TokenKind::normal ? id : std::nullopt;
}

Status Tokenizer::append_words(std::string_view text, std::vector<uint32_t>& ids) const {
  std::string normal;
  if (pretokenizer_.format().nfc) {
    normal = nfc(text);
    text = normal;
  }
  std::vector<uint32_t> ends;
  KIGO_TRY(pretokenizer_.split(text, ends));
  BpeMerger merger(merges_);
  uint32_t at = 0;
  for (const uint32_t end : ends) {
    if (const auto whole = whole_word(text.substr(at, end - at))) {
      ids.push_back(*whole);
      at = end;
      continue;
    }
    const size_t first = ids.size();
    for (; at < end; ++at) {
      const auto byte = static_cast<uint8_t>(text[at]);
      if (!byte_ids_[byte])
        return fail(Code::unsupported, "text",
                    cat("byte ", hex(byte, 2), ", for which the vocabulary has no token"),
                    cat("a token \"", mapped(byte), "\""));
      ids.push_back(*byte_ids_[byte]);
    }
    merger.merge(ids, first);
  }
  return {};
}

std::string Tokenizer::bytes(uint32_t id, Controls controls) const {
  KIGO_CHECK(id < size());
  const std::string_view text = vocabulary_.text(id);
  switch (vocabulary_.kind(id)) {
    case TokenKind::normal:
      return unmapped(text);
    case TokenKind::byte:
      return std::string(1, static_cast<char>(*byte_token_value(text)));  // the reader has checked the text
    case TokenKind::user_defined:
      return std::string(text);
    case TokenKind::unknown:
    case TokenKind::control:
    case TokenKind::unused:
      break;
  }
  return controls == Controls::shown ? std::string(text) : std::string();
}

std::string Tokenizer::decode(std::span<const uint32_t> ids, Controls controls) const {
  std::string all;
  for (const uint32_t id : ids) all += bytes(id, controls);
  return all;
}

}  // namespace kigo::text
