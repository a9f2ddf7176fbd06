#include "core/text/special_tokens.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <ctime>

#include "core/base/cat.h"
#include "tests/core/text/sample_vocabulary.h"
#include "tests/core/text/text_gen.h"

namespace kigo::text {
namespace {

using Found = std::vector<std::pair<size_t, uint32_t>>;  // place, id

Vocabulary vocabulary_of(const std::vector<std::string>& texts, std::vector<TokenKind> kinds) {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  return Vocabulary(views, std::move(kinds));
}

Found found(const Vocabulary& vocabulary, std::string_view text, Special special) {
  Found all;
  for (const auto& match : SpecialTokens(vocabulary).find(text, special))
    all.emplace_back(match.at, match.id);
  return all;
}

using enum TokenKind;

TEST(SpecialTokens, TakeTheLongestAtTheFirstPlace) {
  const auto vocabulary = vocabulary_of({"<a", "<a>", "a>b", ">"}, {control, control, control, control});
  EXPECT_EQ(found(vocabulary, "<a>b", Special::parse), (Found{{0, 1}}));
  EXPECT_EQ(found(vocabulary, "x<aa>b>", Special::parse), (Found{{1, 0}, {3, 2}, {6, 3}}));
  EXPECT_EQ(found(vocabulary, "", Special::parse), Found{});
}

TEST(SpecialTokens, TakeUserDefinedOnesEitherWayAndControlOnesWhenParsed) {
  const auto vocabulary = vocabulary_of({"ab", "abc", "b"}, {user_defined, control, normal});
  EXPECT_EQ(found(vocabulary, "abcb", Special::plain), (Found{{0, 0}}));
  EXPECT_EQ(found(vocabulary, "abcb", Special::parse), (Found{{0, 1}}));
}

TEST(SpecialTokens, TakeTheLowestIdOfATextAndOnlyIfThatOneIsSpecial) {
  const auto vocabulary = vocabulary_of({"x", "t", "x", "t"}, {control, normal, control, control});
  EXPECT_EQ(found(vocabulary, "xt", Special::parse), (Found{{0, 0}}));
}

TEST(SpecialTokens, AreNoneWithoutKinds) {
  EXPECT_EQ(found(vocabulary_of({"a"}, {}), "aaa", Special::parse), Found{});
  EXPECT_TRUE(SpecialTokens().find("aaa", Special::parse).empty());
}

/// The definition: at each place the longest token that begins there; then on from its end.
Found by_definition(const Vocabulary& vocabulary, std::string_view text, Special special) {
  Found all;
  for (size_t at = 0; at < text.size();) {
    size_t longest = 0;
    uint32_t id = 0;
    for (uint32_t each = 0; each < vocabulary.size(); ++each) {
      const std::string_view token = vocabulary.text(each);
      const TokenKind kind = vocabulary.kind(each);
      if (kind != user_defined && (kind != control || special == Special::plain)) continue;
      if (token.size() <= longest || !text.substr(at).starts_with(token) || vocabulary.find(token) != each)
        continue;
      longest = token.size();
      id = each;
    }
    if (longest != 0) all.emplace_back(at, id);
    at += std::max<size_t>(longest, 1);
  }
  return all;
}

RC_GTEST_PROP(SpecialTokens, EqualTheDefinitionForAnyVocabulary, ()) {
  // Two letters and short texts, so that tokens overlap, contain and continue each other.
  const auto word = rc::gen::container<std::string>(rc::gen::element('a', 'b'));
  const auto texts = *rc::gen::container<std::vector<std::string>>(word);
  const auto kinds = *rc::gen::container<std::vector<TokenKind>>(
      texts.size(), rc::gen::element(normal, control, user_defined, unused));
  const auto vocabulary = vocabulary_of(texts, kinds);
  std::string text;
  for (const std::string& part : *rc::gen::container<std::vector<std::string>>(word)) text += part;
  for (const Special special : {Special::plain, Special::parse})
    RC_ASSERT(found(vocabulary, text, special) == by_definition(vocabulary, text, special));
}

// A hostile file: 3,000 tokens that each begin like the text and end otherwise, 4.5 MB in all. Trying each of
// them at each place would take 10^15 steps.
TEST(SpecialTokens, AreFoundInLinearTimeWhateverTheyAre) {
  std::vector<std::string> texts;
  for (size_t length = 1; length <= 3000; ++length) texts.push_back(cat(std::string(length, 'a'), "b"));
  for (size_t length = 1; length <= 300; ++length) texts.push_back(cat("c", std::string(length, 'a')));
  const auto vocabulary = vocabulary_of(texts, std::vector<TokenKind>(texts.size(), control));
  const std::clock_t start = std::clock();
  const SpecialTokens tokens(vocabulary);
  EXPECT_TRUE(tokens.find(std::string(1'000'000, 'a'), Special::parse).empty());
  EXPECT_EQ(tokens.find(cat(std::string(1'000'000, 'a'), "b"), Special::parse).at(0).at, 1'000'000u - 3000);
  EXPECT_LT(std::clock() - start, 20 * CLOCKS_PER_SEC);
}

TEST(SpecialTokens, OfMoreThanTheLimitAreRefused) {
  SampleVocabulary vocabulary;
  vocabulary.tokens[270] = std::string(SpecialTokens::kMaxBytes, 'x');
  vocabulary.store();
  const auto tokenizer = vocabulary.load();
  ASSERT_FALSE(tokenizer);
  const size_t bytes = SpecialTokens::kMaxBytes + 13 + 12 + 6 + 7;  // the other four
  EXPECT_EQ(tokenizer.error().message(),
            cat("tokenizer.ggml.tokens: control and user-defined tokens of ", bytes,
                " bytes, expected at most 16777216 (limit_exceeded, byte ",
                vocabulary.metadata.offset("tokenizer.ggml.tokens"), ")"));
}

// encode(a + b) is encode(a) followed by encode(b) wherever a special token of a + b begins or ends.
RC_GTEST_PROP(SpecialTokens, AreBordersAtWhichEncodingFallsApart, ()) {
  const std::string text = *arbitrary_text() +
                           *rc::gen::element<std::string>("<|im_end|>", "<tool>", "<tool>s") +
                           *arbitrary_text();
  for (const Special special : {Special::plain, Special::parse}) {
    const auto whole = sample().encode(text, special).value();
    const SpecialTokens tokens(sample().vocabulary());
    for (const auto& match : tokens.find(text, special)) {
      for (const size_t border : {match.at, match.at + match.length}) {
        auto joined = sample().encode(std::string_view(text).substr(0, border), special).value();
        const auto rest = sample().encode(std::string_view(text).substr(border), special).value();
        joined.insert(joined.end(), rest.begin(), rest.end());
        RC_ASSERT(joined == whole);
      }
    }
  }
}

}  // namespace
}  // namespace kigo::text
