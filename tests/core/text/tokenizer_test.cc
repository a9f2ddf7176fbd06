#include "core/text/tokenizer.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <sys/mman.h>

#include <chrono>
#include <thread>

#include "core/text/stream_decoder.h"
#include "tests/core/text/sample_vocabulary.h"
#include "tests/core/text/text_gen.h"

namespace kigo::text {
namespace {

using Ids = std::vector<uint32_t>;

Ids plain(std::string_view text) { return sample().encode(text, Special::plain).value(); }
Ids parsed(std::string_view text) { return sample().encode(text, Special::parse).value(); }

// By hand, with the merges of SampleVocabulary.
TEST(Tokenizer, MergesAWordByRank) {
  EXPECT_EQ(plain("hello"), (Ids{259}));
  EXPECT_EQ(plain("hell"), (Ids{258}));
  EXPECT_EQ(plain("hel"), (Ids{256, 'l'}));
  EXPECT_EQ(plain("hello world"), (Ids{259, 262, 'l', 'd'}));
  EXPECT_EQ(plain("aaaaaaa"), (Ids{265, 264, 'a'}));
}

TEST(Tokenizer, NeverMergesAcrossWords) {
  EXPECT_EQ(plain("he he"), (Ids{256, ' ', 256}));
  EXPECT_EQ(plain("   w"), (Ids{263, 260}));  // two spaces, then " w"
  EXPECT_EQ(plain("1122"), (Ids{'1', '1', '2', '2'}));
}

TEST(Tokenizer, AnEmptyTextHasNoIds) {
  EXPECT_EQ(plain(""), Ids{});
  EXPECT_EQ(sample().decode({}), "");
}

TEST(Tokenizer, NormalisesForQwen2) {
  EXPECT_EQ(plain("e\u0301"), (Ids{266}));
  EXPECT_EQ(plain("\u00E9"), (Ids{266}));
}

TEST(Tokenizer, DoesNotNormaliseForGpt2) {
  SampleVocabulary vocabulary;
  vocabulary.metadata.set("tokenizer.ggml.pre", std::string_view("gpt-2"));
  const Tokenizer tokenizer = vocabulary.tokenizer();
  EXPECT_EQ(tokenizer.encode("e\u0301", Special::plain).value(), (Ids{'e', 0xCC, 0x81}));
}

TEST(Tokenizer, ControlTextBecomesItsTokenOnlyWhenParsed) {
  EXPECT_EQ(parsed("<|im_start|>hello<|im_end|>"), (Ids{269, 259, 270}));
  EXPECT_EQ(parsed("<|im_end|><|im_end|>"), (Ids{270, 270}));
  EXPECT_EQ(parsed("<|im_end|"), (Ids{'<', '|', 'i', 'm', '_', 'e', 'n', 'd', '|'}));
  EXPECT_EQ(plain("<|im_end|>"), (Ids{'<', '|', 'i', 'm', '_', 'e', 'n', 'd', '|', '>'}));
}

TEST(Tokenizer, UserDefinedTokensAreTakenEitherWayLongestFirst) {
  for (const Special special : {Special::plain, Special::parse}) {
    EXPECT_EQ(sample().encode("a<tool>he", special).value(), (Ids{'a', 271, 256}));
    EXPECT_EQ(sample().encode("a<tool>she", special).value(), (Ids{'a', 272, 256}));
  }
}

TEST(Tokenizer, TextsOfUnusedAndByteTokensStayText) {
  EXPECT_EQ(parsed("[PAD273]").size(), 8u);
  EXPECT_EQ(parsed("<0x0A>").size(), 6u);
}

// '>' and U+0338 compose to U+226F: normal form C before the search for special tokens would lose one.
TEST(Tokenizer, FindsSpecialTokensBeforeItNormalises) {
  EXPECT_EQ(parsed("<|im_end|>\u0338"), (Ids{270, 0xCC, 0xB8}));
}

TEST(Tokenizer, ASpecialTextThatIsNoUtf8NeverCutsACharacter) {
  SampleVocabulary vocabulary;
  vocabulary.add(4) = "\xA9";  // the second byte of an e with acute accent
  vocabulary.store();
  EXPECT_EQ(vocabulary.tokenizer().encode("\u00E9", Special::parse).value(), (Ids{266}));
}

TEST(Tokenizer, PutsBosAndEosWhereTheFileAsksForThem) {
  SampleVocabulary vocabulary;
  vocabulary.metadata.set("tokenizer.ggml.add_bos_token", true);
  EXPECT_EQ(vocabulary.tokenizer().encode("he", Special::plain).value(), (Ids{268, 256}));
  vocabulary.metadata.set("tokenizer.ggml.add_eos_token", true);
  const Tokenizer tokenizer = vocabulary.tokenizer();
  EXPECT_EQ(tokenizer.encode("he", Special::plain).value(), (Ids{268, 256, 270}));
  Ids ids = {7};
  EXPECT_TRUE(tokenizer.append("he", Special::plain, ids));
  EXPECT_EQ(ids, (Ids{7, 256}));
}

// Llama 3's tokenizer.json says ignore_merges: a word that is a token needs no merges to become it.
TEST(Tokenizer, TakesAWordThatIsATokenAsAWholeWithLlamaBpe) {
  SampleVocabulary vocabulary;
  vocabulary.add(1) = "Ġhaiku";  // 275; no merge leads there
  vocabulary.add(3) = "end";     // 276, a control token
  vocabulary.store();
  EXPECT_EQ(vocabulary.tokenizer().encode(" haiku", Special::plain).value(),
            (Ids{' ', 'h', 'a', 'i', 'k', 'u'}));
  vocabulary.metadata.set("tokenizer.ggml.pre", std::string_view("llama-bpe"));
  vocabulary.metadata.set("tokenizer.ggml.add_bos_token", false);
  const Tokenizer tokenizer = vocabulary.tokenizer();
  EXPECT_EQ(tokenizer.encode("hell haiku haiku!", Special::plain).value(), (Ids{258, 275, 275, '!'}));
  EXPECT_EQ(tokenizer.encode("haiku haikus", Special::plain).value().size(), 12u);  // no part of a word
  EXPECT_EQ(tokenizer.encode("end", Special::plain).value(), (Ids{'e', 'n', 'd'}));
}

TEST(Tokenizer, PutsBosByDefaultWithLlamaBpe) {
  SampleVocabulary vocabulary;
  vocabulary.metadata.set("tokenizer.ggml.pre", std::string_view("llama-bpe"));
  EXPECT_EQ(vocabulary.tokenizer().encode("he", Special::plain).value(), (Ids{268, 256}));
  vocabulary.metadata.set("tokenizer.ggml.add_bos_token", false);
  EXPECT_EQ(vocabulary.tokenizer().encode("he", Special::plain).value(), (Ids{256}));
}

TEST(Tokenizer, RefusesInvalidUtf8WithItsOffset) {
  const auto ids = sample().encode("hello \xC3(", Special::parse);
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().message(), "text: byte 0xc3, expected well-formed UTF-8 (invalid_utf8, byte 6)");
}

TEST(Tokenizer, RefusesATextBeyondTheLimitUnread) {
  const size_t size = (size_t{1} << 30) + 1;  // pages that are reserved and never touched
  void* pages = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  const auto ids = sample().encode(std::string_view(static_cast<const char*>(pages), size), Special::parse);
  munmap(pages, size);
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().message(), "text: 1073741825 bytes, expected at most 1073741824 (limit_exceeded)");
}

TEST(Tokenizer, RefusesAByteThatTheVocabularyLacks) {
  SampleVocabulary vocabulary;
  vocabulary.tokens['z'] = "zz";
  vocabulary.store();
  const Tokenizer tokenizer = vocabulary.tokenizer();
  EXPECT_TRUE(tokenizer.encode("hello", Special::plain));
  const auto ids = tokenizer.encode("haze", Special::plain);
  ASSERT_FALSE(ids);
  EXPECT_EQ(ids.error().code, Code::unsupported);
  EXPECT_EQ(ids.error().found, "byte 0x7a, for which the vocabulary has no token");
  EXPECT_EQ(tokenizer.notes(), (std::vector<std::string>{"tokens: 1 of 256 bytes have no token"}));
}

TEST(Tokenizer, EveryByteHasATokenThatGivesItBack) {
  for (uint32_t byte = 0; byte < 256; ++byte)
    EXPECT_EQ(sample().bytes(byte), std::string(1, static_cast<char>(byte)));
}

TEST(Tokenizer, GivesBytesByTheKindOfToken) {
  EXPECT_EQ(sample().bytes(260), " w");
  EXPECT_EQ(sample().bytes(266), "\u00E9");
  EXPECT_EQ(sample().bytes(271), "<tool>");
  EXPECT_EQ(sample().bytes(274), "\n");
  for (const uint32_t silent : {268u, 269u, 270u, 273u}) EXPECT_EQ(sample().bytes(silent), "");
  EXPECT_EQ(sample().bytes(270, Controls::shown), "<|im_end|>");
  EXPECT_EQ(sample().decode(Ids{269, 259, 270}), "hello");
  EXPECT_EQ(sample().decode(Ids{269, 259, 270}, Controls::shown), "<|im_start|>hello<|im_end|>");
}

TEST(Tokenizer, ANormalTokenOutsideOfTheByteMapGivesItsTextAsItIs) {
  SampleVocabulary vocabulary;
  vocabulary.add(1) = "\u65E5 x";
  vocabulary.add(1) = "\xFF";
  vocabulary.store();
  const Tokenizer tokenizer = vocabulary.tokenizer();
  EXPECT_EQ(tokenizer.bytes(275), "\u65E5 x");
  EXPECT_EQ(tokenizer.bytes(276), "\xFF");
}

TEST(Tokenizer, KnowsWhatEndsAnAnswer) {
  SampleVocabulary vocabulary;
  EXPECT_EQ(vocabulary.tokenizer().end_ids(), (Ids{270}));
  vocabulary.metadata.set("tokenizer.ggml.eos_token_id", uint32_t{268});
  EXPECT_EQ(vocabulary.tokenizer().end_ids(), (Ids{268}));
  vocabulary.metadata.set("tokenizer.ggml.eot_token_id", uint32_t{1});
  vocabulary.metadata.set("tokenizer.ggml.eom_token_id", uint64_t{2});
  EXPECT_EQ(vocabulary.tokenizer().end_ids(), (Ids{1, 2, 268}));
  vocabulary.metadata.set("tokenizer.chat_template", std::string_view("<|im_start|> <|im_end|>"));
  const Tokenizer tokenizer = vocabulary.tokenizer();
  EXPECT_EQ(tokenizer.end_ids(), (Ids{1, 2, 268, 270}));  // the end marker of the chat format
  EXPECT_TRUE(tokenizer.is_end(270));
  EXPECT_FALSE(tokenizer.is_end(269));
}

TEST(Tokenizer, PaddingIsNeverDrawn) {
  const std::vector<uint8_t> drawable = sample().drawable_ids();
  ASSERT_EQ(drawable.size(), sample().size());
  for (uint32_t id = 0; id < sample().size(); ++id) EXPECT_EQ(drawable[id] != 0, id != 273) << id;
}

TEST(Tokenizer, GivesTheSameIdsFromManyThreads) {
  const std::string text = "hello world, e\u0301 <|im_end|> 12  34\n\n";
  const Ids expected = parsed(text);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) wrong[t] += parsed(text) != expected;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(wrong.size()));
}

class TokenizerTakesAMegabyte : public testing::TestWithParam<std::string_view> {};

TEST_P(TokenizerTakesAMegabyte, InTimeThatGrowsWithItsLength) {
  std::string text;
  while (text.size() < 1'000'000) text += GetParam();
  const auto start = std::chrono::steady_clock::now();
  const auto ids = sample().encode(text, Special::parse);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));  // quadratic: half an hour
  ASSERT_TRUE(ids);
  EXPECT_EQ(sample().decode(*ids, Controls::shown), nfc(text));
}

INSTANTIATE_TEST_SUITE_P(Text, TokenizerTakesAMegabyte,
                         testing::Values("a", " ", "\n", " \n", "0", "<", "<|im_start|", "\u0301\u0323",
                                         "\u65E5", "'", "aA1 ", "\u1100\u1161\u11A8"));

// Without user-defined tokens, which are taken out before the text between them is normalised.
RC_GTEST_PROP(Tokenizer, DecodesToTheNormalForm, ()) {
  static const Tokenizer tokenizer = [] {
    SampleVocabulary vocabulary;
    vocabulary.types[271] = vocabulary.types[272] = 1;
    vocabulary.store();
    return vocabulary.tokenizer();
  }();
  const std::string text = *arbitrary_text();
  RC_ASSERT(tokenizer.decode(tokenizer.encode(text, Special::plain).value()) == nfc(text));
}

RC_GTEST_PROP(Tokenizer, DecodesToACanonicallyEquivalentText, ()) {
  const std::string text = *arbitrary_text();
  for (const Special special : {Special::plain, Special::parse})
    RC_ASSERT(nfc(sample().decode(sample().encode(text, special).value(), Controls::shown)) == nfc(text));
}

RC_GTEST_PROP(Tokenizer, DecodesToTheTextItselfWithoutNormalForm, ()) {
  static const Tokenizer tokenizer = [] {
    SampleVocabulary vocabulary;
    vocabulary.metadata.set("tokenizer.ggml.pre", std::string_view("gpt-2"));
    return vocabulary.tokenizer();
  }();
  const std::string text = *arbitrary_text();
  RC_ASSERT(tokenizer.decode(tokenizer.encode(text, Special::parse).value(), Controls::shown) == text);
}

RC_GTEST_PROP(Tokenizer, TextsAroundASpecialTokenAreEncodedEachByItself, ()) {
  const std::string left = *arbitrary_text();
  const std::string right = *arbitrary_text();
  Ids apart = parsed(left);
  apart.push_back(270);
  for (const uint32_t id : parsed(right)) apart.push_back(id);
  RC_ASSERT(parsed(left + "<|im_end|>" + right) == apart);
}

RC_GTEST_PROP(Tokenizer, PlainTextNeverGivesAControlToken, ()) {
  for (const uint32_t id : plain(*arbitrary_text()))
    RC_ASSERT(sample().vocabulary().kind(id) != TokenKind::control && sample().drawable(id));
}

RC_GTEST_PROP(Tokenizer, TheStreamOfTokensIsTheTextOfTheWhole, ()) {
  const Ids ids = *rc::gen::container<Ids>(rc::gen::inRange<uint32_t>(0, sample().size()));
  StreamDecoder whole, stream;
  std::string expected = whole.push(sample().decode(ids));
  expected += whole.finish();
  std::string joined;
  for (const uint32_t id : ids) joined += stream.push(sample().bytes(id));
  RC_ASSERT(joined + stream.finish() == expected);
}

}  // namespace
}  // namespace kigo::text
