#include "tools/lib/poem.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/base/cat.h"
#include "core/base/check.h"
#include "core/base/file_map.h"

namespace kigo::tools {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// Lines without the blank ones at the end; a blank line between others counts, since a haiku has none.
std::vector<std::string_view> lines_of(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return text.empty() ? std::vector<std::string_view>{} : split(text, '\n');
}

/// "5-7-5", with the words that the lexicon does not know.
std::string syllable_pattern(std::string_view text, const Lexicon& lexicon) {
  std::string pattern;
  std::string unknown;
  for (const std::string_view line : lines_of(text)) {
    int sum = 0;
    for (const std::string& word : words_of(line)) {
      const auto count = lexicon.syllables(word);
      sum += count.value_or(0);
      if (!count) unknown += cat(unknown.empty() ? "" : " ", word);
    }
    pattern += cat(pattern.empty() ? "" : "-", sum);
  }
  return unknown.empty() ? pattern : cat(pattern, ", not in the lexicon: ", unknown);
}

}  // namespace

std::string minute_in_words(int minute) {
  KIGO_CHECK(minute >= 0 && minute < 60);
  constexpr std::array<std::string_view, 20> kOnes{"zero",    "one",     "two",       "three",    "four",
                                                   "five",    "six",     "seven",     "eight",    "nine",
                                                   "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                                                   "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
  constexpr std::array<std::string_view, 6> kTens{"", "", "twenty", "thirty", "forty", "fifty"};
  if (minute < 20) return std::string(kOnes[static_cast<size_t>(minute)]);
  const std::string tens(kTens[static_cast<size_t>(minute / 10)]);
  return minute % 10 == 0 ? tens : cat(tens, "-", kOnes[static_cast<size_t>(minute % 10)]);
}

Result<Lexicon> Lexicon::load(const std::string& path) {
  KIGO_ASSIGN(const std::string text, read_text_file(path));
  return parse(text, path);
}

Result<Lexicon> Lexicon::parse(std::string_view text, const std::string& subject) {
  Lexicon lexicon;
  size_t number = 0;
  for (const std::string_view line : split(text, '\n')) {
    ++number;
    if (line.empty()) continue;
    const size_t tab = line.find('\t');
    int count = 0;
    const bool has_tab = tab != std::string_view::npos && tab > 0;
    const auto [end, error] =
        std::from_chars(line.data() + (has_tab ? tab + 1 : 0), line.data() + line.size(), count);
    if (!has_tab || error != std::errc() || end != line.data() + line.size() || count < 1) {
      return fail(Code::bad_value, cat(subject, " line ", number), escaped(line),
                  "a word, a tab and its syllables");
    }
    lexicon.counts_.emplace(line.substr(0, tab), count);
  }
  return lexicon;
}

std::optional<int> Lexicon::syllables(std::string_view word) const {
  std::string key(word);
  std::ranges::transform(key, key.begin(), lower);
  if (const auto at = counts_.find(key); at != counts_.end()) return at->second;
  if (key.find('-') == std::string::npos) return std::nullopt;
  int sum = 0;
  for (const std::string_view part : split(key, '-')) {
    const auto at = counts_.find(part);
    if (at == counts_.end()) return std::nullopt;
    sum += at->second;
  }
  return sum;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto flush = [&] {
    while (!word.empty() && (word.back() == '-' || word.back() == '\'')) word.pop_back();
    if (!word.empty()) words.push_back(std::exchange(word, {}));
  };
  for (const char raw : text) {
    const char c = lower(raw);
    const bool inside = !word.empty() && (c == '-' || c == '\'');
    if ((c >= 'a' && c <= 'z') || inside) {
      word += c;
    } else {
      flush();
    }
  }
  flush();
  return words;
}

int count_word(std::string_view text, std::string_view word) {
  const auto words = words_of(text);
  return static_cast<int>(std::ranges::count(words, word));
}

Json Check::json() const {
  return Json::object(
      {{"check", name}, {"expected", expected}, {"found", found}, {"pass", pass}, {"required", required}});
}

std::vector<Check> check_poem(std::string_view text, std::string_view word, std::string_view nonce,
                              const Lexicon& lexicon, bool syllables_required) {
  const int times = count_word(text, word);
  const bool has_nonce = text.find(nonce) != std::string_view::npos;
  const size_t lines = lines_of(text).size();
  const std::string pattern = syllable_pattern(text, lexicon);
  return {
      {"word", cat("\"", word, "\" once"), cat(times, " times"), times == 1},
      {"nonce", "absent", has_nonce ? "present" : "absent", !has_nonce},
      {"lines", "3", cat(lines), lines == 3},
      {"syllables", "5-7-5", pattern, pattern == "5-7-5", syllables_required},
  };
}

}  // namespace kigo::tools
