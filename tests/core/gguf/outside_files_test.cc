// Files that other programs wrote: a small one made by gguf-py, and llama.cpp's vocabularies where they are
// at hand.
#include <gtest/gtest.h>

#include <filesystem>

#include "core/base/cat.h"
#include "core/base/half.h"
#include "core/gguf/reader.h"
#include "core/gguf/writer.h"

namespace kigo::gguf::test {
namespace {

template <class T>
T get(const File& file, std::string_view key) {
  const Value* value = file.find(key);
  EXPECT_NE(value, nullptr) << key;
  const T* held = value == nullptr ? nullptr : std::get_if<T>(value);
  EXPECT_NE(held, nullptr) << key;
  return held == nullptr ? T() : *held;
}

/// The head and the data of `file` are what the writer makes of it.
void expect_rewritten(const File& file, std::span<const std::byte> bytes) {
  const auto written = write(file);
  ASSERT_TRUE(written) << written.error().message();
  ASSERT_LE(written->size(), bytes.size());
  EXPECT_TRUE(std::equal(written->begin(), written->end(), bytes.begin()));
}

// data/make_gguf_py.py says what is in it.
class GgufPy : public testing::Test {
 protected:
  GgufPy() : mapped_(open(KIGO_SOURCE_DIR "/tests/core/gguf/data/gguf_py.gguf")) {}
  void SetUp() override { ASSERT_TRUE(mapped_) << mapped_.error().message(); }
  const File& file() const { return mapped_->file; }
  Result<MappedFile> mapped_;
};

TEST_F(GgufPy, GivesItsMetadata) {
  EXPECT_EQ(file().version, 3u);
  EXPECT_EQ(file().metadata.size(), 16u);
  EXPECT_EQ(get<std::string_view>(file(), "general.architecture"), "qwen2");
  EXPECT_EQ(get<uint8_t>(file(), "a.u8"), 200);
  EXPECT_EQ(get<int8_t>(file(), "a.i8"), -3);
  EXPECT_EQ(get<uint16_t>(file(), "a.u16"), 60000);
  EXPECT_EQ(get<int16_t>(file(), "a.i16"), -300);
  EXPECT_EQ(get<uint32_t>(file(), "a.u32"), 4000000000u);
  EXPECT_EQ(get<int32_t>(file(), "a.i32"), -70000);
  EXPECT_EQ(get<float>(file(), "a.f32"), 0.1f);
  EXPECT_EQ(get<uint64_t>(file(), "a.u64"), 1ull << 60);
  EXPECT_EQ(get<int64_t>(file(), "a.i64"), -(1ll << 60));
  EXPECT_EQ(get<double>(file(), "a.f64"), 0.1);
  EXPECT_EQ(get<bool>(file(), "a.bool"), true);
  EXPECT_EQ(get<std::string_view>(file(), "a.string"), "古池 old pond");
  EXPECT_EQ(get<Array>(file(), "a.strings").strings, (std::vector<std::string_view>{"spring", "", "wind"}));
  const Array ints = get<Array>(file(), "a.ints");
  ASSERT_EQ(ints.element, ValueType::i32);
  ASSERT_EQ(ints.count, 3u);
  EXPECT_EQ(ints.at<int32_t>(1), -2);
}

TEST_F(GgufPy, GivesItsTensors) {
  EXPECT_EQ(file().alignment, 64u);
  ASSERT_EQ(file().tensors.size(), 3u);
  const Tensor& f32 = *file().find_tensor("f32");
  EXPECT_EQ(f32.dims, (std::vector<uint64_t>{3, 2}));
  for (size_t i = 0; i < 6; ++i) {
    float value = -1;
    std::memcpy(&value, f32.data.data() + 4 * i, 4);
    EXPECT_EQ(value, static_cast<float>(i));
  }
  const Tensor& q8_0 = *file().find_tensor("q8_0");
  EXPECT_EQ(q8_0.dims, (std::vector<uint64_t>{32, 2}));
  EXPECT_EQ(q8_0.type->name, "Q8_0");
  EXPECT_EQ(std::to_integer<int>(q8_0.data[2]), 256 - 127);      // -1 is the largest of its block
  EXPECT_EQ(std::to_integer<int>(q8_0.data[34 + 2 + 31]), 127);  // 1 of the second
  const Tensor& f16 = *file().find_tensor("f16");
  uint16_t bits = 0;
  std::memcpy(&bits, f16.data.data() + 8, 2);
  EXPECT_EQ(to_float(kigo::f16{bits}), 4.0f);
}

TEST_F(GgufPy, IsWrittenAgainByteForByte) {
  expect_rewritten(file(), mapped_->map.bytes());
  EXPECT_EQ(write(file())->size(), mapped_->map.bytes().size());
}

struct Vocabulary {
  std::string_view file;
  size_t pairs;
  std::string_view architecture;
  uint64_t tokens;
  uint64_t merges;  // 0: none
  std::string_view last_token;
};

/// A name that gtest takes: "ggml-vocab-gpt-2.gguf" -> "ggml_vocab_gpt_2_gguf".
void PrintTo(const Vocabulary& vocabulary, std::ostream* out) {
  for (const char c : vocabulary.file) *out << (c == '-' || c == '.' ? '_' : c);
}

class Vocabularies : public testing::TestWithParam<Vocabulary> {};

TEST_P(Vocabularies, Load) {
  const Vocabulary& want = GetParam();
  const std::string path = cat(KIGO_SOURCE_DIR "/../shared/tokenizers/", want.file);
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "not at hand: " << path;
  const auto mapped = open(path);
  ASSERT_TRUE(mapped) << mapped.error().message();
  const File& file = mapped->file;
  EXPECT_EQ(file.metadata.size(), want.pairs);
  EXPECT_EQ(get<std::string_view>(file, "general.architecture"), want.architecture);
  const Array tokens = get<Array>(file, "tokenizer.ggml.tokens");
  ASSERT_EQ(tokens.strings.size(), want.tokens);
  EXPECT_EQ(tokens.strings.back(), want.last_token);
  EXPECT_EQ(get<Array>(file, "tokenizer.ggml.token_type").count, want.tokens);
  if (want.merges != 0) {
    EXPECT_EQ(get<Array>(file, "tokenizer.ggml.merges").strings.size(), want.merges);
  }
  EXPECT_TRUE(file.tensors.empty());
  EXPECT_EQ(file.trailing_bytes, 0u);
  expect_rewritten(file, mapped->map.bytes());
}

// Expected values: read with gguf-py 0.19.0.
INSTANTIATE_TEST_SUITE_P(
    LlamaCpp, Vocabularies,
    testing::Values(Vocabulary{"ggml-vocab-gpt-2.gguf", 16, "gpt2", 50257, 50000, "<|endoftext|>"},
                    Vocabulary{"ggml-vocab-llama-spm.gguf", 22, "llama", 32000, 0, "给"},
                    Vocabulary{"ggml-vocab-phi-3.gguf", 26, "phi3", 32064, 0, "[PAD32063]"},
                    Vocabulary{"ggml-vocab-qwen2.gguf", 13, "qwen2", 151936, 151387, "[PAD151935]"}),
    testing::PrintToStringParamName());

}  // namespace
}  // namespace kigo::gguf::test
