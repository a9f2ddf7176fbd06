// Finding the texts of special tokens inside of a text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/text/vocabulary.h"

namespace kigo::text {

/// Whether the text of a control token, `<|im_end|>`, becomes that token or stays text. User-defined tokens
/// are words of the vocabulary and are taken either way.
enum class Special : uint8_t { plain, parse };

/// Knows which tokens of a vocabulary are matched as a whole: control and user-defined ones with a text that
/// is well-formed UTF-8 and not empty, so that a match never cuts a character.
class SpecialTokens {
 public:
  SpecialTokens() = default;
  explicit SpecialTokens(const Vocabulary& vocabulary);

  struct Match {
    size_t at;
    uint32_t length;
    uint32_t id;
  };
  /// The first match at or after `from`; of several at one place the longest. `vocabulary` is the one of the
  /// constructor.
  std::optional<Match> next(const Vocabulary& vocabulary, std::string_view text, size_t from,
                            Special special) const;

 private:
  struct Lengths {  // by first byte, each longest first
    std::vector<uint32_t> user_defined;
    std::vector<uint32_t> all;
  };
  std::array<Lengths, 256> lengths_;
  bool any_user_defined_ = false;
};

}  // namespace kigo::text
