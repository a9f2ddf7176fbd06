#include "core/text/pretokenizer.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <chrono>

#include "tests/core/text/text_gen.h"

namespace kigo::text {
namespace {

using Words = std::vector<std::string>;

Words words(std::string_view name, std::string_view text) {
  std::vector<uint32_t> ends;
  EXPECT_TRUE(Pretokenizer(*find_pre_format(name)).split(text, ends));
  Words parts;
  size_t at = 0;
  for (const uint32_t end : ends) {
    parts.emplace_back(text.substr(at, end - at));
    at = end;
  }
  EXPECT_EQ(at, text.size());
  return parts;
}

TEST(PreFormat, NamesAreMatchedExactly) {
  EXPECT_NE(find_pre_format("gpt-2"), nullptr);
  EXPECT_NE(find_pre_format("qwen2"), nullptr);
  for (const std::string_view name : {"", "gpt2", "Qwen2", "qwen2 ", "qwen", "default", "llama3"})
    EXPECT_EQ(find_pre_format(name), nullptr) << name;
}

TEST(PreFormat, OnlyQwen2Normalises) {
  EXPECT_FALSE(find_pre_format("gpt-2")->nfc);
  EXPECT_TRUE(find_pre_format("qwen2")->nfc);
  EXPECT_FALSE(find_pre_format("llama-bpe")->nfc);
}

TEST(Pretokenizer, GivesTheLastSpaceToTheWordBehindIt) {
  for (const std::string_view name : {"gpt-2", "qwen2", "llama-bpe"}) {
    EXPECT_EQ(words(name, "Hello world"), (Words{"Hello", " world"}));
    EXPECT_EQ(words(name, "a   b"), (Words{"a", "  ", " b"}));
    EXPECT_EQ(words(name, "a   "), (Words{"a", "   "}));
    EXPECT_EQ(words(name, ""), Words{});
  }
}

TEST(Pretokenizer, DigitsStandAloneInQwen2AndTogetherInGpt2) {
  EXPECT_EQ(words("gpt-2", "in 2026!"), (Words{"in", " 2026", "!"}));
  EXPECT_EQ(words("qwen2", "in 2026!"), (Words{"in", " ", "2", "0", "2", "6", "!"}));
}

TEST(Pretokenizer, DigitsStandInThreesInLlamaBpe) {
  EXPECT_EQ(words("llama-bpe", "in 2026!"), (Words{"in", " ", "202", "6", "!"}));
  EXPECT_EQ(words("llama-bpe", "1234567"), (Words{"123", "456", "7"}));
  EXPECT_EQ(words("llama-bpe", "\u00B2\u0663\u21671"), (Words{"\u00B2\u0663\u2167", "1"}));
}

TEST(Pretokenizer, LlamaBpeIsQwen2InEverythingButDigits) {
  for (const char* text : {"I'LL we've", "x'\u017F", "a \n\n  b!\r\nc", " \u180Ea", "e\u0301\u0301 .\n\n7"})
    EXPECT_EQ(words("llama-bpe", text), words("qwen2", text)) << text;
}

TEST(Pretokenizer, ContractionsAreCutInAnyCaseByQwen2Only) {
  EXPECT_EQ(words("gpt-2", "I'LL we've"), (Words{"I", "'", "LL", " we", "'ve"}));
  EXPECT_EQ(words("qwen2", "I'LL we've"), (Words{"I", "'LL", " we", "'ve"}));
  EXPECT_EQ(words("qwen2", "you'REx"), (Words{"you", "'RE", "x"}));
  EXPECT_EQ(words("qwen2", "x'\u017F"), (Words{"x", "'\u017F"}));  // long s folds to s, in Oniguruma too
}

TEST(Pretokenizer, NewlinesEndSpacesAndFollowPunctuationInQwen2) {
  EXPECT_EQ(words("qwen2", "a \n\n  b!\r\nc"), (Words{"a", " \n\n", " ", " b", "!\r\n", "c"}));
  EXPECT_EQ(words("gpt-2", "a \n\n  b!\nc"), (Words{"a", " \n\n ", " b", "!", "\n", "c"}));
}

// U+180E is no White_Space since Unicode 6.3, though PCRE2's \s takes it; U+001C never was.
TEST(Pretokenizer, SpaceIsUnicodesWhiteSpace) {
  EXPECT_EQ(words("qwen2", "\u180E\u180E"), (Words{"\u180E\u180E"}));
  EXPECT_EQ(words("qwen2", " \u180Ea"), (Words{" \u180E", "a"}));
  EXPECT_EQ(words("qwen2", "\u3000\u00A0\u0085x"), (Words{"\u3000\u00A0", "\u0085x"}));
  EXPECT_EQ(words("gpt-2", "\x1C!"), (Words{"\x1C!"}));
}

TEST(Pretokenizer, TakesTenMegabytesOfSpaces) {
  const auto start = std::chrono::steady_clock::now();
  for (const std::string_view name : {"gpt-2", "qwen2", "llama-bpe"}) {
    const std::string spaces(10'000'000, ' ');
    EXPECT_EQ(words(name, spaces + "x"), (Words{std::string(9'999'999, ' '), " x"}));
    EXPECT_EQ(words(name, spaces), (Words{spaces}));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

RC_GTEST_PROP(Pretokenizer, WordsCoverAnyTextAndCutNoCharacter, ()) {
  const std::string text = *arbitrary_text();
  for (const PreFormat& format : pre_formats()) {
    std::vector<uint32_t> ends;
    RC_ASSERT(Pretokenizer(format).split(text, ends).has_value());
    size_t at = 0;
    for (const uint32_t end : ends) {
      RC_ASSERT(end > at);
      RC_ASSERT(!first_ill_formed(std::string_view(text).substr(at, end - at)));
      at = end;
    }
    RC_ASSERT(at == text.size());
  }
}

}  // namespace
}  // namespace kigo::text
