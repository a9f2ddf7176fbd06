// Finding the texts of special tokens inside of a text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/text/vocabulary.h"

namespace kigo::text {

/// Whether the text of a control token, `<|im_end|>`, becomes that token or stays text. User-defined tokens
/// are words of the vocabulary and are taken either way.
enum class Special : uint8_t { plain, parse };

/// Knows which tokens of a vocabulary are matched as a whole: control and user-defined ones with a text that
/// is well-formed UTF-8 and not empty, so that a match never cuts a character. Of tokens with one text, the
/// lowest id.
class SpecialTokens {
 public:
  /// What all their texts together may have: every byte can become a node. Source: docs/gguf.md, section 11.
  static constexpr size_t kMaxBytes = size_t{1} << 24;

  SpecialTokens() = default;
  /// The texts have at most kMaxBytes together (bytes_of).
  explicit SpecialTokens(const Vocabulary& vocabulary);
  static size_t bytes_of(const Vocabulary& vocabulary);

  struct Match {
    size_t at = 0;
    uint32_t length = 0;
    uint32_t id = 0;
  };
  /// The matches in a text from left to right: each begins at the first place behind the one before it where
  /// a token matches, and is the longest there. Time and memory are linear in the text, whatever the tokens
  /// are.
  std::vector<Match> find(std::string_view text, Special special) const;

 private:
  static constexpr uint32_t kNone = 0xFFFFFFFF;
  struct Longest {
    uint32_t length = 0;  // 0: none
    uint32_t id = kNone;
  };
  /// A state of the automaton of Aho and Corasick over the reversed texts: read from its end, a text is in
  /// the state of the longest beginning of a reversed token that ends here, that is, the longest token
  /// beginning here is known.
  struct Node {
    uint32_t child = 0;    // the first one; 0: none
    uint32_t sibling = 0;  // the next one of the same parent
    uint32_t fail = 0;     // the longest proper suffix that is a node
    uint8_t byte = 0;
    std::array<Longest, 2> longest;  // by Special
  };

  uint32_t child(uint32_t node, uint8_t byte) const;
  void insert(std::string_view text, uint32_t id, bool plain_too);
  void link();

  std::vector<Node> nodes_;                // the root is the first; empty without tokens
  std::array<uint32_t, 256> from_root_{};  // 0: none
};

}  // namespace kigo::text
