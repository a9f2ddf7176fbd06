// Text to token ids and back: byte-level BPE with the vocabulary of a GGUF file.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/gguf/file.h"
#include "core/text/bpe.h"
#include "core/text/chat.h"
#include "core/text/pretokenizer.h"
#include "core/text/special_tokens.h"
#include "core/text/vocabulary.h"

namespace kigo::text {

/// Whether tokens that are no text (control, unknown, unused) are left out of a text or shown by their names.
enum class Controls : uint8_t { hidden, shown };

/// A vocabulary with everything needed to use it. Independent of the file it came from; a const one may be
/// used from many threads.
class Tokenizer {
 public:
  /// From the keys of docs/gguf.md, section 8, alone; no tensor is looked at.
  /// Errors, subject and offset those of the key: missing_key, wrong_type, bad_value (with the index in the
  /// array), limit_exceeded; unsupported for another tokenizer model or pre-tokenizer than the known ones.
  static Result<Tokenizer> from_gguf(const gguf::File& file);

  /// The ids of a text, between BOS and EOS where the file asks for them; the same ids as the published
  /// tokenizers give. Time is n log n in the longest word; memory at most 96 bytes for each
  /// byte of the text in the normal form of the pre-tokenizer.
  /// Errors: invalid_utf8 with the offset; limit_exceeded above 1 GiB; unsupported when the vocabulary lacks
  /// a byte of the text; out_of_memory.
  Result<std::vector<uint32_t>> encode(std::string_view text, Special special) const;
  /// The same without BOS and EOS, at the end of `ids`. After an error `ids` may hold a part.
  Status append(std::string_view text, Special special, std::vector<uint32_t>& ids) const;

  /// The first control or user-defined token's text in a text.
  std::optional<SpecialTokens::Match> find_special(std::string_view text) const {
    const auto all = special_tokens_.find(text, Special::parse);
    return all.empty() ? std::nullopt : std::optional(all.front());
  }

  /// The bytes of one token, which may be a part of a character: a StreamDecoder makes text of them.
  /// id < size().
  std::string bytes(uint32_t id, Controls controls = Controls::hidden) const;
  /// The bytes of many, joined.
  std::string decode(std::span<const uint32_t> ids, Controls controls = Controls::hidden) const;

  uint32_t size() const { return vocabulary_.size(); }
  const Vocabulary& vocabulary() const { return vocabulary_; }
  /// Whether a sampler may draw the id: all but padding rows (kind unused).
  bool drawable(uint32_t id) const { return vocabulary_.kind(id) != TokenKind::unused; }
  /// One byte an id, zero where it must not be drawn, as sample::sample takes them.
  std::vector<uint8_t> drawable_ids() const;  // [size]

  std::optional<uint32_t> bos() const { return bos_; }
  uint32_t eos() const { return eos_; }
  bool adds_bos() const { return add_bos_; }
  bool adds_eos() const { return add_eos_; }
  /// Ids that end an answer, rising: eos, eot, eom and the end marker of the file's chat format.
  const std::vector<uint32_t>& end_ids() const { return end_ids_; }
  bool is_end(uint32_t id) const;

  const PreFormat& pre_format() const { return pretokenizer_.format(); }
  const std::optional<std::string>& chat_template() const { return chat_template_; }
  /// The format that the file's template writes; null when there is no template or an unknown one.
  const ChatFormat* chat_format() const { return chat_format_; }

  /// Merges whose pieces or result are no tokens, and which therefore never happen.
  uint32_t unusable_merges() const { return unusable_merges_; }
  /// What a report should say about the file: defaults taken, oddities counted.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  Tokenizer(Vocabulary vocabulary, const PreFormat& format);
  friend class TokenizerReader;
  void set_merges(std::span<const std::string_view> merges);
  void finish();
  Status append_parts(std::string_view text, Special special, std::vector<uint32_t>& ids) const;
  Status append_words(std::string_view text, std::vector<uint32_t>& ids) const;
  std::optional<uint32_t> whole_word(std::string_view word) const;

  Vocabulary vocabulary_;
  SpecialTokens special_tokens_;
  Pretokenizer pretokenizer_;
  MergeTable merges_;
  std::array<std::optional<uint32_t>, 256> byte_ids_;  // the token of each single byte
  std::optional<uint32_t> bos_, eot_, eom_;
  uint32_t eos_ = 0;
  bool add_bos_ = false;
  bool add_eos_ = false;
  std::vector<uint32_t> end_ids_;
  std::optional<std::string> chat_template_;
  const ChatFormat* chat_format_ = nullptr;
  uint32_t unusable_merges_ = 0;
  std::vector<std::string> notes_;
};

}  // namespace kigo::text
