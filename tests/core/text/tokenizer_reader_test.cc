// The tokenizer's rows of docs/gguf.md, sections 5 and 8: one named test each.
#include <gtest/gtest.h>

#include "core/text/tokenizer.h"
#include "tests/core/text/sample_vocabulary.h"

namespace kigo::text {
namespace {

constexpr std::string_view kModel = "tokenizer.ggml.model";
constexpr std::string_view kPre = "tokenizer.ggml.pre";
constexpr std::string_view kTokens = "tokenizer.ggml.tokens";
constexpr std::string_view kTypes = "tokenizer.ggml.token_type";
constexpr std::string_view kMerges = "tokenizer.ggml.merges";
constexpr std::string_view kBos = "tokenizer.ggml.bos_token_id";
constexpr std::string_view kEos = "tokenizer.ggml.eos_token_id";
constexpr std::string_view kAddBos = "tokenizer.ggml.add_bos_token";
constexpr std::string_view kTemplate = "tokenizer.chat_template";

class TokenizerReader : public testing::Test {
 protected:
  /// The error must be about `key`, at its pair.
  void expect(Code code, std::string_view key, std::string_view found, std::string_view expected) {
    const auto tokenizer = vocabulary_.load();
    ASSERT_FALSE(tokenizer);
    const Error& error = tokenizer.error();
    EXPECT_EQ(error.code, code) << error.message();
    EXPECT_EQ(error.subject, key);
    EXPECT_EQ(error.found, found);
    EXPECT_EQ(error.expected, expected);
    EXPECT_EQ(error.offset, meta().offset(key)) << error.message();
  }
  void expect_missing(std::string_view key, std::string_view expected) {
    meta().remove(key);
    const auto tokenizer = vocabulary_.load();
    ASSERT_FALSE(tokenizer);
    EXPECT_EQ(tokenizer.error().code, Code::missing_key);
    EXPECT_EQ(tokenizer.error().subject, key);
    EXPECT_EQ(tokenizer.error().found, "not in the file");
    EXPECT_EQ(tokenizer.error().expected, expected);
  }
  MetadataFile& meta() { return vocabulary_.metadata; }

  SampleVocabulary vocabulary_;
};

TEST_F(TokenizerReader, LoadsFromTheTokenizersKeysAlone) {
  meta().remove("general.architecture");
  const auto tokenizer = vocabulary_.load();
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  EXPECT_EQ(tokenizer->size(), 275u);
  EXPECT_EQ(tokenizer->bos(), 268u);
  EXPECT_EQ(tokenizer->eos(), 270u);
  EXPECT_EQ(tokenizer->pre_format().name, "qwen2");
  EXPECT_EQ(tokenizer->notes(), std::vector<std::string>{});
}

TEST_F(TokenizerReader, OutlivesTheFile) {
  std::optional<Tokenizer> tokenizer;
  {
    SampleVocabulary vocabulary;
    tokenizer = vocabulary.tokenizer();
  }
  EXPECT_EQ(tokenizer->encode("hello", Special::plain).value(), std::vector<uint32_t>{259});
}

TEST_F(TokenizerReader, RefusesAMissingModel) { expect_missing(kModel, "\"gpt2\""); }
TEST_F(TokenizerReader, RefusesAMissingPre) { expect_missing(kPre, "\"gpt-2\", \"qwen2\", \"llama-bpe\""); }
TEST_F(TokenizerReader, RefusesMissingTokens) { expect_missing(kTokens, "array of string"); }
TEST_F(TokenizerReader, RefusesMissingMerges) { expect_missing(kMerges, "array of string"); }
TEST_F(TokenizerReader, RefusesAMissingEosId) { expect_missing(kEos, "u32"); }

TEST_F(TokenizerReader, RefusesSentencePieceByName) {
  meta().set(kModel, std::string_view("llama"));
  expect(Code::unsupported, kModel, "\"llama\"", "\"gpt2\"");
}

TEST_F(TokenizerReader, RefusesAnUnknownModelByName) {
  meta().set(kModel, std::string_view("GPT2"));
  expect(Code::unsupported, kModel, "\"GPT2\"", "\"gpt2\"");
}

TEST_F(TokenizerReader, SaysThatAFileWithoutVocabularyHasNone) {
  meta().set(kModel, std::string_view("no_vocab"));
  expect(Code::unsupported, kModel, "no_vocab: the file has no tokenizer", "");
}

TEST_F(TokenizerReader, RefusesAnUnknownPreByName) {
  meta().set(kPre, std::string_view("llama-bpe\n"));
  expect(Code::unsupported, kPre, "\"llama-bpe\\x0a\"", "\"gpt-2\", \"qwen2\", \"llama-bpe\"");
}

TEST_F(TokenizerReader, RefusesAModelThatIsNoString) {
  meta().set(kModel, uint32_t{1});
  expect(Code::wrong_type, kModel, "u32", "string");
}

TEST_F(TokenizerReader, RefusesTokensThatAreBytes) {
  meta().set_numbers<uint8_t>(kTokens, gguf::ValueType::u8, {1, 2, 3});
  expect(Code::wrong_type, kTokens, "array of u8", "array of string");
}

TEST_F(TokenizerReader, RefusesTokensThatAreNoArray) {
  meta().set(kTokens, std::string_view("a"));
  expect(Code::wrong_type, kTokens, "string", "array of string");
}

TEST_F(TokenizerReader, RefusesMoreTokensThanTheLimit) {
  meta().set(kTokens, gguf::Array{gguf::ValueType::string, (1u << 24) + 1, {}, {}});
  expect(Code::limit_exceeded, kTokens, "16777217 tokens", "at most 16777216");
}

TEST_F(TokenizerReader, RefusesTypesThatAreFloats) {
  meta().set_numbers<float>(kTypes, gguf::ValueType::f32, std::vector<float>(275, 1.0f));
  expect(Code::wrong_type, kTypes, "array of f32", "array of i32");
}

TEST_F(TokenizerReader, RefusesFewerTypesThanTokens) {
  meta().set_numbers<int32_t>(kTypes, gguf::ValueType::i32, std::vector<int32_t>(274, 1));
  expect(Code::bad_value, kTypes, "274 types", "275, one per token");
}

TEST_F(TokenizerReader, RefusesMoreTypesThanTokens) {
  meta().set_numbers<int32_t>(kTypes, gguf::ValueType::i32, std::vector<int32_t>(276, 1));
  expect(Code::bad_value, kTypes, "276 types", "275, one per token");
}

TEST_F(TokenizerReader, RefusesType0) {
  vocabulary_.types[3] = 0;
  vocabulary_.store();
  expect(Code::bad_value, kTypes, "type 0 at index 3", "1 to 6");
}

TEST_F(TokenizerReader, RefusesType7) {
  vocabulary_.types[274] = 7;
  vocabulary_.store();
  expect(Code::bad_value, kTypes, "type 7 at index 274", "1 to 6");
}

TEST_F(TokenizerReader, RefusesAByteTokenWithoutHexDigits) {
  vocabulary_.tokens[274] = "<0xZZ>";
  vocabulary_.store();
  expect(Code::bad_value, kTokens, "byte token \"<0xZZ>\" at index 274", "<0x00> to <0xFF>");
}

TEST_F(TokenizerReader, RefusesAByteTokenWithASign) {
  vocabulary_.tokens[274] = "<0x-1>";
  vocabulary_.store();
  expect(Code::bad_value, kTokens, "byte token \"<0x-1>\" at index 274", "<0x00> to <0xFF>");
}

TEST_F(TokenizerReader, AbsentTypesAreAllNormalAndReported) {
  meta().remove(kTypes);
  const Tokenizer tokenizer = vocabulary_.tokenizer();
  EXPECT_EQ(tokenizer.encode("<|im_end|>", Special::parse).value().size(), 10u);
  ASSERT_EQ(tokenizer.notes().size(), 1u);
  EXPECT_TRUE(tokenizer.notes()[0].starts_with("token_type: absent")) << tokenizer.notes()[0];
}

TEST_F(TokenizerReader, RefusesAMergeWithoutASpace) {
  vocabulary_.merges[2] = "hell";
  vocabulary_.store();
  expect(Code::bad_value, kMerges, "merge \"hell\" at index 2", "two texts and one space");
}

TEST_F(TokenizerReader, RefusesAMergeWithTwoSpaces) {
  vocabulary_.merges[0] = "h e ";
  vocabulary_.store();
  expect(Code::bad_value, kMerges, "merge \"h e \" at index 0", "two texts and one space");
}

TEST_F(TokenizerReader, RefusesMergesThatAreNumbers) {
  meta().set_numbers<uint32_t>(kMerges, gguf::ValueType::u32, {1, 2});
  expect(Code::wrong_type, kMerges, "array of u32", "array of string");
}

TEST_F(TokenizerReader, CountsMergesOfWhatIsNoToken) {
  vocabulary_.merges.insert(vocabulary_.merges.begin(), {"quokka a", "a quokka", "z z"});
  vocabulary_.store();
  const Tokenizer tokenizer = vocabulary_.tokenizer();
  EXPECT_EQ(tokenizer.unusable_merges(), 3u);
  EXPECT_EQ(tokenizer.notes(), (std::vector<std::string>{"merges: 3 name pieces that are no tokens"}));
  EXPECT_EQ(tokenizer.encode("hello", Special::plain).value(), std::vector<uint32_t>{259});
}

TEST_F(TokenizerReader, AcceptsAnEmptyTokenAndCountsIt) {
  vocabulary_.add(1) = "";
  vocabulary_.add(3) = "";
  vocabulary_.store();
  const Tokenizer tokenizer = vocabulary_.tokenizer();
  EXPECT_EQ(tokenizer.bytes(275), "");
  EXPECT_EQ(tokenizer.vocabulary().empty_texts(), 2u);
  EXPECT_EQ(tokenizer.encode("hello", Special::parse).value(), std::vector<uint32_t>{259});
}

TEST_F(TokenizerReader, TheLowestIdOfATextEncodes) {
  vocabulary_.add(1) = "hello";
  vocabulary_.store();
  const Tokenizer tokenizer = vocabulary_.tokenizer();
  EXPECT_EQ(tokenizer.encode("hello", Special::plain).value(), std::vector<uint32_t>{259});
  EXPECT_EQ(tokenizer.bytes(275), "hello");
  EXPECT_EQ(tokenizer.notes(), (std::vector<std::string>{"tokens: 1 repeat the text of a lower id"}));
}

TEST_F(TokenizerReader, RefusesABosIdOutsideTheVocabulary) {
  meta().set(kBos, uint32_t{275});
  expect(Code::bad_value, kBos, "id 275", "an id below 275");
}

TEST_F(TokenizerReader, RefusesAnEosIdOutsideTheVocabulary) {
  meta().set(kEos, uint64_t{1} << 40);
  expect(Code::bad_value, kEos, "id 1099511627776", "an id below 275");
}

class TokenizerReaderRefusesAnIdOutside : public TokenizerReader,
                                          public testing::WithParamInterface<const char*> {};

TEST_P(TokenizerReaderRefusesAnIdOutside, TheVocabulary) {
  meta().set(GetParam(), uint32_t{0xFFFFFFFF});
  expect(Code::bad_value, GetParam(), "id 4294967295", "an id below 275");
}

INSTANTIATE_TEST_SUITE_P(Keys, TokenizerReaderRefusesAnIdOutside,
                         testing::Values("tokenizer.ggml.unknown_token_id", "tokenizer.ggml.padding_token_id",
                                         "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"));

TEST_F(TokenizerReader, RefusesASignedId) {
  meta().set(kEos, int32_t{270});
  expect(Code::wrong_type, kEos, "i32", "u32");
}

TEST_F(TokenizerReader, RefusesAddBosWithoutABosId) {
  meta().set(kAddBos, true);
  meta().remove(kBos);
  const auto tokenizer = vocabulary_.load();
  ASSERT_FALSE(tokenizer);
  EXPECT_EQ(tokenizer.error().code, Code::missing_key);
  EXPECT_EQ(tokenizer.error().subject, kBos);
  EXPECT_EQ(tokenizer.error().offset, meta().offset(kAddBos));
}

TEST_F(TokenizerReader, RefusesLlamaBpeWithoutTheBosIdThatItAddsByDefault) {
  meta().set(kPre, std::string_view("llama-bpe"));
  meta().remove(kBos);
  EXPECT_EQ(
      vocabulary_.load().error().message(),
      "tokenizer.ggml.bos_token_id: not in the file, expected a BOS id, which llama-bpe adds by default "
      "(missing_key)");
  meta().set(kAddBos, false);
  EXPECT_TRUE(vocabulary_.load());
}

TEST_F(TokenizerReader, RefusesAFlagThatIsANumber) {
  meta().set(kAddBos, uint8_t{1});
  expect(Code::wrong_type, kAddBos, "u8", "bool");
}

TEST_F(TokenizerReader, RefusesASpacePrefixWithBpe) {
  meta().set("tokenizer.ggml.add_space_prefix", true);
  expect(Code::unsupported, "tokenizer.ggml.add_space_prefix", "true", "false with a BPE vocabulary");
  meta().set("tokenizer.ggml.add_space_prefix", false);
  EXPECT_TRUE(vocabulary_.load());
}

TEST_F(TokenizerReader, RefusesAVocabSizeThatIsNotTheNumberOfTokens) {
  meta().set("qwen2.vocab_size", uint32_t{274});
  expect(Code::bad_value, "qwen2.vocab_size", "274", "275, the number of tokens");
  meta().set("qwen2.vocab_size", uint32_t{275});
  EXPECT_TRUE(vocabulary_.load());
}

TEST_F(TokenizerReader, KeepsTheTemplateAndRefusesOneThatIsNoString) {
  EXPECT_FALSE(vocabulary_.tokenizer().chat_template());
  meta().set(kTemplate, std::string_view("{{ x }}"));
  EXPECT_EQ(vocabulary_.tokenizer().chat_template(), "{{ x }}");
  meta().set(kTemplate, false);
  expect(Code::wrong_type, kTemplate, "bool", "string");
}

TEST_F(TokenizerReader, WhatNobodyReadsIsNotJudged) {
  meta().set("tokenizer.ggml.scores", std::string_view("none"));
  meta().set("tokenizer.ggml.seperator_token_id", uint32_t{0xFFFFFFFF});
  EXPECT_TRUE(vocabulary_.load());
}

TEST_F(TokenizerReader, TheFirstWrongKeyOfTheTableIsTheError) {
  meta().set(kEos, int32_t{1});
  meta().set(kPre, std::string_view("x"));
  expect(Code::unsupported, kPre, "\"x\"", "\"gpt-2\", \"qwen2\", \"llama-bpe\"");
}

}  // namespace
}  // namespace kigo::text
