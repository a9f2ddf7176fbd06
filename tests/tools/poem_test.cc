#include "tools/lib/poem.h"

#include <gtest/gtest.h>

#include <set>

namespace kigo::tools {
namespace {

const Lexicon& poem_lexicon() {
  static const Lexicon kLexicon = *Lexicon::parse(
      "an\t1\nold\t1\nsilent\t2\npond\t1\na\t1\nfrog\t1\njumps\t1\ninto\t2\nthe\t1\nsplash\t1\nsilence\t2\nag"
      "ain\t2\n"
      "seven\t2\ntwenty-seven\t4\n",
      "lexicon");
  return kLexicon;
}

bool passes(const std::vector<Check>& checks, std::string_view name) {
  for (const Check& check : checks) {
    if (check.name == name) return check.pass;
  }
  ADD_FAILURE() << "no check " << name;
  return false;
}

constexpr std::string_view kPoem = "An old silent pond\nSeven a frog jumps into\nsplash silence again";

TEST(MinuteInWords, NamesAllSixtyDifferently) {
  EXPECT_EQ(minute_in_words(0), "zero");
  EXPECT_EQ(minute_in_words(13), "thirteen");
  EXPECT_EQ(minute_in_words(40), "forty");
  EXPECT_EQ(minute_in_words(59), "fifty-nine");
  std::set<std::string> names;
  for (int minute = 0; minute < 60; ++minute) names.insert(minute_in_words(minute));
  EXPECT_EQ(names.size(), 60u);
}

TEST(CountWord, CountsWholeWordsInAnyCase) {
  EXPECT_EQ(count_word("Seven, seven. SEVEN!", "seven"), 3);
  EXPECT_EQ(count_word("seventeen", "seven"), 0);
  EXPECT_EQ(count_word("twenty-seven", "seven"), 0);
  EXPECT_EQ(count_word("the seven-", "seven"), 1);
}

TEST(Lexicon, CountsHyphenatedWordsByTheirParts) {
  EXPECT_EQ(poem_lexicon().syllables("Old-Pond"), 2);
  EXPECT_EQ(poem_lexicon().syllables("twenty-seven"), 4);
  EXPECT_EQ(poem_lexicon().syllables("old-castle"), std::nullopt);
}

TEST(Lexicon, RefusesALineWithoutACount) {
  const auto broken = Lexicon::parse("a\t1\nbroken\n", "words.tsv");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().message(),
            "words.tsv line 2: broken, expected a word, a tab and its syllables (bad_value)");
  EXPECT_FALSE(Lexicon::parse("a\tx\n", "l"));
  EXPECT_FALSE(Lexicon::parse("a\t0\n", "l"));
  EXPECT_FALSE(Lexicon::parse("\t1\n", "l"));
}

TEST(CheckPoem, AcceptsAHaiku) {
  for (const Check& check : check_poem(kPoem, "seven", "k3j9x0aa", poem_lexicon(), true)) {
    EXPECT_TRUE(check.pass) << check.name << ": " << check.found;
  }
}

TEST(CheckPoem, RejectsEachBreachByItsOwnCheck) {
  const auto check = [](std::string_view text, std::string_view word, std::string_view nonce) {
    return check_poem(text, word, nonce, poem_lexicon(), true);
  };
  EXPECT_FALSE(passes(check(kPoem, "eight", "k3"), "word"));
  EXPECT_FALSE(passes(check("seven seven", "seven", "k3"), "word"));
  EXPECT_FALSE(passes(check("a frog k3j9", "frog", "k3j9"), "nonce"));
  EXPECT_FALSE(passes(check("An old silent pond\nSeven a frog jumps into", "seven", "k3"), "lines"));
  EXPECT_FALSE(passes(check("An old silent pond\n\nSeven", "seven", "k3"), "syllables"));
  EXPECT_FALSE(passes(check("An old pond\nSeven a frog jumps into\nsplash silence again", "seven", "k3"),
                      "syllables"));
}

TEST(CheckPoem, NamesWordsItCannotCount) {
  const auto checks = check_poem("a castle", "seven", "k3", poem_lexicon(), false);
  EXPECT_EQ(checks[3].found, "1, not in the lexicon: castle");
  EXPECT_FALSE(checks[3].required);
}

}  // namespace
}  // namespace kigo::tools
