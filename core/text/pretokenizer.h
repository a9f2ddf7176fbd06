// Cutting text into the words within which BPE merges: each tokenizer family's own regular expression.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace kigo::text {

/// What `tokenizer.ggml.pre` stands for. Letters and digits are those of PCRE2's Unicode (14 in 10.42): what
/// was assigned later counts as punctuation.
struct PreFormat {
  std::string_view name;
  std::string_view pattern;  // matches every text without a gap; each match is a word
  bool nfc;                  // the text is brought into normal form C first
  bool whole_words;          // a word that is a token becomes it, whether merges lead there or not
  bool adds_bos;             // where the file does not say
};

std::span<const PreFormat> pre_formats();

/// By exact name; null when there is none.
const PreFormat* find_pre_format(std::string_view name);

/// A compiled pattern. Copies share it; a const one may be used from many threads.
class Pretokenizer {
 public:
  explicit Pretokenizer(const PreFormat& format);

  const PreFormat& format() const { return *format_; }

  /// Appends the end offset of each word of `text`: well-formed UTF-8 of less than 2^32 bytes. The words
  /// cover the text; an empty one has none. Errors: out_of_memory when the matcher gets none.
  Status split(std::string_view text, std::vector<uint32_t>& ends) const;

 private:
  struct Compiled;
  const PreFormat* format_;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace kigo::text
