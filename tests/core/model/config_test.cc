// The cases of docs/gguf.md, section 5, that concern a model's keys.
#include "core/model/config.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "core/base/cat.h"
#include "tests/core/model/model_file.h"

namespace kigo::model {
namespace {

TEST(Config, ReadsEveryNumber) {
  ModelFile model;
  model.set("qwen2.attention.key_length", uint32_t{24});
  model.set("qwen2.attention.value_length", uint32_t{24});
  model.set("qwen2.rope.dimension_count", uint32_t{24});
  const Result<Config> config = read_config(model.file());
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->architecture, find_architecture("qwen2"));
  EXPECT_EQ(config->name, "small");
  EXPECT_EQ(config->vocab, 40);
  EXPECT_EQ(config->width, 64);
  EXPECT_EQ(config->layers, 2);
  EXPECT_EQ(config->heads, 4);
  EXPECT_EQ(config->kv_heads, 2);
  EXPECT_EQ(config->head_dim, 24);
  EXPECT_EQ(config->ffn_width, 96);
  EXPECT_EQ(config->context, 128);
  EXPECT_EQ(config->norm_eps, 1e-6f);
  EXPECT_EQ(config->rope_base, 1e6f);
  EXPECT_EQ(config->rope_dims, 24);
  EXPECT_EQ(config->rope_factor, 1);
  EXPECT_TRUE(config->notes.empty());
}

TEST(Config, TakesWidthPerHeadForTheHeadDim) {
  const ModelFile model;
  EXPECT_EQ(read_config(model.file())->head_dim, 16);
  EXPECT_EQ(read_config(model.file())->rope_dims, 16);
}

TEST(Config, AcceptsCountsAsU64) {
  ModelFile model;
  model.set("qwen2.embedding_length", uint64_t{64});
  EXPECT_EQ(read_config(model.file())->width, 64);
}

TEST(Config, TakesHeadCountForAbsentKvHeadsAndSaysSo) {
  ModelFile model;
  model.erase("qwen2.attention.head_count_kv");
  const Result<Config> config = read_config(model.file());
  EXPECT_EQ(config->kv_heads, 4);
  ASSERT_EQ(config->notes.size(), 1u);
  EXPECT_EQ(config->notes[0], "qwen2.attention.head_count_kv: 4, by default head_count");
}

TEST(Config, KeepsAndIgnoresKeysNobodyReads) {
  ModelFile model;
  model.set("qwen2.unheard_of", int8_t{-1});
  model.set("general.file_type", std::string_view("any type at all"));
  EXPECT_TRUE(accept(model.file()));
  EXPECT_NE(model.file().find("qwen2.unheard_of"), nullptr);
}

// --- general.architecture

TEST(Architecture, RunsQwen2WithHalvesAndBiases) {
  const Architecture* row = find_architecture("qwen2");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->position, Position::rope_halves);
  EXPECT_EQ(row->qkv_bias, Presence::required);
}

TEST(Architecture, RefusesAFileThatNamesNone) {
  ModelFile model;
  model.erase("general.architecture");
  expect_refused(model,
                 {Code::missing_key, "general.architecture", "missing", "string, which a model needs", {}});
}

TEST(Architecture, RefusesANumber) {
  ModelFile model;
  model.set("general.architecture", int32_t{2});
  expect_refused_key(model, Code::wrong_type, "general.architecture", "i32", "string");
}

class RefusedArchitecture : public testing::TestWithParam<const char*> {};
TEST_P(RefusedArchitecture, IsNamedWithWhatRunsAndWhatIsPlanned) {
  ModelFile model;
  model.set("general.architecture", std::string_view(GetParam()));
  expect_refused_key(model, Code::unsupported, "general.architecture", cat('"', GetParam(), '"'),
                     "qwen2, llama, which run; planned are phi3, gpt2");
}
INSTANTIATE_TEST_SUITE_P(Name, RefusedArchitecture,
                         testing::Values("mamba", "Llama", "phi3", "gpt2", "Qwen2"),
                         [](const auto& each) { return std::string(each.param); });

// --- required keys

class RequiredKey : public testing::TestWithParam<std::pair<const char*, const char*>> {};
TEST_P(RequiredKey, IsMissedByName) {
  const auto [key, type] = GetParam();
  ModelFile model;
  model.erase(key);
  expect_refused(model, {Code::missing_key, key, "missing", cat(type, ", which qwen2 needs"), {}});
}
INSTANTIATE_TEST_SUITE_P(Key, RequiredKey,
                         testing::Values(std::pair("qwen2.context_length", "u32"),
                                         std::pair("qwen2.embedding_length", "u32"),
                                         std::pair("qwen2.block_count", "u32"),
                                         std::pair("qwen2.feed_forward_length", "u32"),
                                         std::pair("qwen2.attention.head_count", "u32"),
                                         std::pair("qwen2.attention.layer_norm_rms_epsilon", "f32"),
                                         std::pair("qwen2.rope.freq_base", "f32"),
                                         std::pair("tokenizer.ggml.tokens", "array of string")),
                         [](const auto& each) {
                           std::string name = each.param.first;
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

// --- types

TEST(ConfigType, RefusesAnEpsilonAsF64) {
  ModelFile model;
  model.set("qwen2.attention.layer_norm_rms_epsilon", 1e-6);
  expect_refused_key(model, Code::wrong_type, "qwen2.attention.layer_norm_rms_epsilon", "f64", "f32");
}

TEST(ConfigType, RefusesAHeadCountAsI32) {
  ModelFile model;
  model.set("qwen2.attention.head_count", int32_t{4});
  expect_refused_key(model, Code::wrong_type, "qwen2.attention.head_count", "i32", "u32 or u64");
}

TEST(ConfigType, RefusesABlockCountAsArray) {
  ModelFile model;
  model.set("qwen2.block_count", ModelFile::empty_array(gguf::ValueType::u32));
  expect_refused_key(model, Code::wrong_type, "qwen2.block_count", "array of u32", "u32 or u64");
}

TEST(ConfigType, RefusesTokensAsU8Array) {
  ModelFile model;
  model.set("tokenizer.ggml.tokens", ModelFile::empty_array(gguf::ValueType::u8));
  expect_refused_key(model, Code::wrong_type, "tokenizer.ggml.tokens", "array of u8", "array of string");
}

// --- ranges

struct BadCount {
  const char* test;
  const char* key;
  uint64_t value;
  const char* range;
};
class CountOutOfRange : public testing::TestWithParam<BadCount> {};
TEST_P(CountOutOfRange, IsRefusedWithTheRange) {
  ModelFile model;
  model.set(GetParam().key, GetParam().value);
  expect_refused_key(model, Code::bad_value, GetParam().key, cat(GetParam().value), GetParam().range);
}
constexpr auto kBadCounts = std::to_array<BadCount>({
    {"BlockCount0", "qwen2.block_count", 0, "1 to 512"},
    {"BlockCount513", "qwen2.block_count", 513, "1 to 512"},
    {"BlockCount2To31", "qwen2.block_count", uint64_t{1} << 31, "1 to 512"},
    {"ContextLength0", "qwen2.context_length", 0, "1 to 2147483647"},
    {"ContextLength2To31", "qwen2.context_length", uint64_t{1} << 31, "1 to 2147483647"},
    {"HeadCount0", "qwen2.attention.head_count", 0, "1 to 2147483647"},
    {"KvHeadCount0", "qwen2.attention.head_count_kv", 0, "1 to 2147483647"},
    {"Width2To64Minus1", "qwen2.embedding_length", ~uint64_t{0}, "1 to 2147483647"},
    {"FfnWidth0", "qwen2.feed_forward_length", 0, "1 to 2147483647"},
    {"KeyLength0", "qwen2.attention.key_length", 0, "1 to 2147483647"},
    {"RopeDims0", "qwen2.rope.dimension_count", 0, "1 to 2147483647"},
    {"VocabAbove2To24", "qwen2.vocab_size", (uint64_t{1} << 24) + 1, "1 to 16777216"},
});
INSTANTIATE_TEST_SUITE_P(Key, CountOutOfRange, testing::ValuesIn(kBadCounts),
                         [](const auto& each) { return std::string(each.param.test); });

struct BadReal {
  const char* test;
  float value;
  const char* found;
};
class RealOutOfRange : public testing::TestWithParam<std::tuple<const char*, BadReal>> {};
TEST_P(RealOutOfRange, IsRefused) {
  const auto& [key, bad] = GetParam();
  ModelFile model;
  model.set(key, bad.value);
  expect_refused_key(model, Code::bad_value, key, bad.found, "a finite number above 0");
}
INSTANTIATE_TEST_SUITE_P(
    Key, RealOutOfRange,
    testing::Combine(testing::Values("qwen2.attention.layer_norm_rms_epsilon", "qwen2.rope.freq_base"),
                     testing::Values(BadReal{"Zero", 0, "0"}, BadReal{"Negative", -1, "-1"},
                                     BadReal{"Infinite", std::numeric_limits<float>::infinity(), "inf"},
                                     BadReal{"NotANumber", std::numeric_limits<float>::quiet_NaN(), "nan"})),
    [](const auto& each) {
      const bool eps = std::string_view(std::get<0>(each.param)).ends_with("epsilon");
      return std::string(eps ? "Epsilon" : "RopeBase") + std::get<1>(each.param).test;
    });

// --- numbers against each other

TEST(ConfigRelation, RefusesHeadsThatAreNoMultipleOfKvHeads) {
  ModelFile model;
  model.set("qwen2.attention.head_count_kv", uint32_t{3});
  expect_refused_key(model, Code::bad_value, "qwen2.attention.head_count_kv", "4 heads on 3 kv_heads",
                     "head_count a multiple of head_count_kv");
}

TEST(ConfigRelation, RefusesAWidthThatIsNoMultipleOfHeadsWithoutKeyLength) {
  ModelFile model;
  model.set("qwen2.embedding_length", uint32_t{66});
  expect_refused_key(model, Code::bad_value, "qwen2.embedding_length", "66 on 4 heads",
                     "a multiple of head_count, or qwen2.attention.key_length");
}

TEST(ConfigRelation, TakesAnyWidthWithKeyAndValueLength) {
  ModelFile model;
  model.set("qwen2.embedding_length", uint32_t{66});
  model.set("qwen2.attention.key_length", uint32_t{16});
  model.set("qwen2.attention.value_length", uint32_t{16});
  EXPECT_EQ(read_config(model.file())->head_dim, 16);
}

TEST(ConfigRelation, RefusesAValueLengthThatIsNotTheKeyLength) {
  ModelFile model;
  model.set("qwen2.attention.value_length", uint32_t{32});
  expect_refused_key(model, Code::bad_value, "qwen2.attention.value_length", "32, and key_length 16",
                     "both equal");
}

TEST(ConfigRelation, RefusesOddRopeDimensions) {
  ModelFile model;
  model.set("qwen2.rope.dimension_count", uint32_t{15});
  expect_refused_key(model, Code::bad_value, "qwen2.rope.dimension_count", "15",
                     "an even number: rotations take pairs");
}

TEST(ConfigRelation, RefusesRopeDimensionsAboveTheHeadDim) {
  ModelFile model;
  model.set("qwen2.rope.dimension_count", uint32_t{18});
  expect_refused_key(model, Code::bad_value, "qwen2.rope.dimension_count", "18",
                     "16, all of head_dim, for qwen2");
}

TEST(ConfigRelation, RefusesRopeDimensionsBelowTheHeadDimForQwen2) {
  ModelFile model;
  model.set("qwen2.rope.dimension_count", uint32_t{8});
  expect_refused_key(model, Code::bad_value, "qwen2.rope.dimension_count", "8",
                     "16, all of head_dim, for qwen2");
}

TEST(ConfigRelation, RefusesAnOddHeadDimThatRopeWouldTakeByDefault) {
  ModelFile model;
  model.set("qwen2.embedding_length", uint32_t{60});
  expect_refused(
      model,
      {Code::bad_value, "qwen2.rope.dimension_count", "15", "an even number: rotations take pairs", {}});
}

// --- what does not run

class QuantizationVersion : public testing::TestWithParam<uint32_t> {};
TEST_P(QuantizationVersion, OtherThan2IsUnsupported) {
  ModelFile model;
  model.set("general.quantization_version", GetParam());
  expect_refused_key(model, Code::unsupported, "general.quantization_version", cat(GetParam()),
                     "2: another version is another block layout");
}
INSTANTIATE_TEST_SUITE_P(Value, QuantizationVersion, testing::Values(1, 3));

TEST(QuantizationVersion, Of2IsAccepted) {
  ModelFile model;
  model.set("general.quantization_version", uint32_t{2});
  EXPECT_TRUE(accept(model.file()));
}

TEST(Experts, AreUnsupported) {
  ModelFile model;
  model.set("qwen2.expert_count", uint32_t{8});
  expect_refused_key(model, Code::unsupported, "qwen2.expert_count", "8",
                     "0: mixtures of experts do not run");
}

TEST(Experts, OfZeroAreNone) {
  ModelFile model;
  model.set("qwen2.expert_count", uint32_t{0});
  EXPECT_TRUE(accept(model.file()));
}

class RopeScaling : public testing::TestWithParam<const char*> {};
TEST_P(RopeScaling, OfAnotherTypeIsUnsupported) {
  ModelFile model;
  model.set("qwen2.rope.scaling.type", std::string_view(GetParam()));
  expect_refused_key(model, Code::unsupported, "qwen2.rope.scaling.type", cat('"', GetParam(), '"'),
                     "none or linear");
}
INSTANTIATE_TEST_SUITE_P(Type, RopeScaling, testing::Values("yarn", "longrope", "unheard_of"),
                         [](const auto& each) { return std::string(each.param); });

TEST(RopeScaling, LinearTakesItsFactor) {
  ModelFile model;
  model.set("qwen2.rope.scaling.type", std::string_view("linear"));
  model.set("qwen2.rope.scaling.factor", 4.0f);
  EXPECT_EQ(read_config(model.file())->rope_factor, 4);
}

TEST(RopeScaling, WithoutTypeLeavesTheFactorOutAndSaysSo) {
  ModelFile model;
  model.set("qwen2.rope.scaling.factor", 4.0f);
  const Result<Config> config = read_config(model.file());
  EXPECT_EQ(config->rope_factor, 1);
  ASSERT_EQ(config->notes.size(), 1u);
  EXPECT_EQ(config->notes[0], "qwen2.rope.scaling.factor: 4, not used: rope.scaling.type is none");
}

// --- the vocabulary

TEST(Vocab, RefusesADeclaredSizeThatIsNotTheNumberOfTokens) {
  ModelFile model;
  model.set("qwen2.vocab_size", uint32_t{39});
  expect_refused_key(model, Code::bad_value, "qwen2.vocab_size", "39", "40, the number of tokens");
}

TEST(Vocab, RefusesNoTokens) {
  ModelFile model;
  model.set("tokenizer.ggml.tokens", ModelFile::tokens(0));
  expect_refused_key(model, Code::bad_value, "tokenizer.ggml.tokens", "0 tokens", "1 to 16777216");
}

class NoTokenizer : public testing::TestWithParam<bool> {
 protected:
  NoTokenizer() {
    model_.erase("tokenizer.ggml.tokens");
    if (GetParam()) {
      model_.set("tokenizer.ggml.model", std::string_view("no_vocab"));
    } else {
      model_.erase("tokenizer.ggml.model");
    }
  }
  ModelFile model_;
};
INSTANTIATE_TEST_SUITE_P(Vocab, NoTokenizer, testing::Bool(),
                         [](const auto& each) { return each.param ? "Declared" : "Absent"; });

TEST_P(NoTokenizer, TakesTheRowsOfTheEmbedding) {
  EXPECT_EQ(read_config(model_.file())->vocab, 40);
  EXPECT_TRUE(accept(model_.file()));
}

TEST_P(NoTokenizer, RefusesADeclaredSizeThatIsNotTheRows) {
  model_.set("qwen2.vocab_size", uint32_t{41});
  expect_refused_key(model_, Code::bad_value, "qwen2.vocab_size", "41", "40, the rows of token_embd.weight");
}

TEST_P(NoTokenizer, RefusesAFileWithoutEmbedding) {
  model_.erase_tensor("token_embd.weight");
  expect_refused(model_, {Code::missing_tensor,
                          "token_embd.weight",
                          "missing",
                          "[width, vocab]: without a tokenizer its rows are the vocabulary",
                          {}});
}

TEST_P(NoTokenizer, RefusesAnEmbeddingWithoutRows) {
  model_.reshape("token_embd.weight", {64});
  expect_refused_tensor(model_, Code::wrong_shape, "token_embd.weight", "shape [64]",
                        "[width, vocab] with 1 to 16777216 rows");
}

// --- the list of all failures

TEST(ExplainConfig, ListsEveryFailureInTheOrderOfTheContract) {
  ModelFile model;
  model.set("qwen2.vocab_size", uint32_t{39});
  model.erase("qwen2.rope.freq_base");
  model.set("qwen2.attention.head_count", int32_t{4});
  model.set("qwen2.block_count", uint32_t{0});
  std::vector<std::string> subjects;
  for (const Error& error : explain_config(model.file())) subjects.push_back(error.subject);
  EXPECT_EQ(subjects, (std::vector<std::string>{"qwen2.block_count", "qwen2.attention.head_count",
                                                "qwen2.rope.freq_base", "qwen2.vocab_size"}));
}

TEST(ExplainConfig, IsEmptyForAGoodFile) { EXPECT_TRUE(explain_config(ModelFile().file()).empty()); }

}  // namespace
}  // namespace kigo::model
