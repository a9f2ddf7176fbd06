// What makes an answer a haiku that holds its word: computed from the text alone.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"

namespace kigo::tools {

/// 0 -> "zero", 27 -> "twenty-seven"; 0 <= minute <= 59.
std::string minute_in_words(int minute);

/// Syllables of words, one `word<TAB>count` a line, lower case.
class Lexicon {
 public:
  /// Errors: io; bad_value with the line's number.
  static Result<Lexicon> load(const std::string& path);
  static Result<Lexicon> parse(std::string_view text, const std::string& subject);

  /// A word of letters, apostrophes and hyphens in any case; one with hyphens that is not listed counts by
  /// its parts.
  std::optional<int> syllables(std::string_view word) const;

 private:
  std::map<std::string, int, std::less<>> counts_;
};

/// Runs of letters, apostrophes and hyphens, lower case.
std::vector<std::string> words_of(std::string_view text);

/// How often `word` stands in the text as a whole word in any case: `seven` is not in `seventeen` nor in
/// `twenty-seven`.
int count_word(std::string_view text, std::string_view word);

/// One computed check.
struct Check {
  std::string name;
  std::string expected;
  std::string found;
  bool pass = false;
  bool required = true;  // a check that is only reported never decides

  Json json() const;
};

/// `word` once, `nonce` absent, `lines` three, `syllables` 5-7-5 (required only when `syllables_required`).
std::vector<Check> check_poem(std::string_view text, std::string_view word, std::string_view nonce,
                              const Lexicon& lexicon, bool syllables_required);

}  // namespace kigo::tools
