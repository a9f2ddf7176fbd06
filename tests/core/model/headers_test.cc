// The heads of real layouts in golden/headers: all are read; what runs has a model without a fault, and what
// does not is refused by name. golden/README.md says what is odd about each.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/base/json.h"
#include "core/gguf/writer.h"
#include "core/model/weights.h"
#include "core/text/tokenizer.h"

namespace kigo::model {
namespace {

constexpr std::string_view kFolder = KIGO_SOURCE_DIR "/golden/headers/";

/// What the script that wrote the head put into it.
struct Head {
  std::string file, architecture;
  uint64_t version = 0, alignment = 0, pairs = 0, tensors = 0, tensor_bytes = 0;
};
void PrintTo(const Head& head, std::ostream* out) {
  for (const char c : head.file) *out << (std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_');
}

std::vector<Head> heads() {
  const auto text = read_text_file(cat(kFolder, "headers.json"));
  const auto json = Json::parse(*text, "headers.json").value();
  std::vector<Head> heads;
  for (const Json& row : *json.find("heads")->items()) {
    const auto number = [&](const char* key) { return static_cast<uint64_t>(*row.find(key)->integer()); };
    heads.push_back({*row.find("file")->string(), *row.find("architecture")->string(), number("version"),
                     number("alignment"), number("pairs"), number("tensors"), number("tensor_bytes")});
  }
  return heads;
}

class Headers : public testing::TestWithParam<Head> {
 protected:
  Headers() : mapped_(gguf::open_head(cat(kFolder, GetParam().file))) {}
  void SetUp() override { ASSERT_TRUE(mapped_) << mapped_.error().message(); }
  const gguf::File& file() const { return mapped_->file; }
  Result<gguf::MappedFile> mapped_;
};
INSTANTIATE_TEST_SUITE_P(Real, Headers, testing::ValuesIn(heads()), testing::PrintToStringParamName());

TEST_P(Headers, HoldWhatTheirScriptPutIn) {
  const Head& want = GetParam();
  EXPECT_EQ(file().version, want.version);
  EXPECT_EQ(file().alignment, want.alignment);
  EXPECT_EQ(file().metadata.size(), want.pairs);
  EXPECT_EQ(file().tensors.size(), want.tensors);
  uint64_t bytes = 0;
  for (const gguf::Tensor& tensor : file().tensors) bytes += tensor.size_bytes();
  EXPECT_EQ(bytes, want.tensor_bytes);
  EXPECT_EQ(file().head_bytes, mapped_->map.bytes().size());
}

TEST_P(Headers, AreAModelOrRefusedByName) {
  const std::vector<Error> errors = explain(file());
  if (GetParam().tensors == 0) {  // a vocabulary is no model
    EXPECT_EQ(errors.at(0).code, Code::missing_key);
  } else if (find_architecture(GetParam().architecture) != nullptr) {
    EXPECT_EQ(errors.size(), 0u) << errors[0].message();
  } else {
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].code, Code::unsupported);
    EXPECT_EQ(errors[0].found, cat('"', GetParam().architecture, '"'));
  }
}

TEST_P(Headers, HaveATokenizerThatLoadsOrIsRefusedByName) {
  const auto tokenizer = text::Tokenizer::from_gguf(file());
  if (tokenizer) {
    const auto ids = tokenizer->encode("the the", text::Special::parse);
    ASSERT_TRUE(ids) << ids.error().message();
    EXPECT_EQ(tokenizer->decode(*ids), "the the");
    return;
  }
  EXPECT_EQ(tokenizer.error().code, Code::unsupported) << tokenizer.error().message();
  EXPECT_TRUE(tokenizer.error().subject == "tokenizer.ggml.model" ||
              tokenizer.error().subject == "tokenizer.ggml.pre")
      << tokenizer.error().message();
}

// Otherwise the two tests above could pass by refusing everything.
TEST(HeadersOf, Qwen2AreModelsWithTokenizers) {
  size_t models = 0, tokenizers = 0;
  for (const Head& head : heads()) {
    if (head.architecture != "qwen2") continue;
    const auto mapped = gguf::open_head(cat(kFolder, head.file));
    models += explain(mapped->file).empty() ? 1 : 0;
    tokenizers += text::Tokenizer::from_gguf(mapped->file) ? 1 : 0;
  }
  EXPECT_EQ(models, 2u);
  EXPECT_EQ(tokenizers, 3u);
}

TEST(HeadersOf, ManyLayoutsAreThere) {
  std::vector<std::string> families;
  for (const Head& head : heads())
    if (std::ranges::find(families, head.architecture) == families.end())
      families.push_back(head.architecture);
  EXPECT_GE(heads().size(), 6u);
  EXPECT_EQ(families, (std::vector<std::string>{"qwen2", "llama", "phi3", "gpt2", "bert"}));
  EXPECT_TRUE(std::ranges::any_of(heads(), [](const Head& head) { return head.version == 2; }));
  EXPECT_TRUE(std::ranges::any_of(heads(), [](const Head& head) { return head.alignment == 64; }));
}

}  // namespace
}  // namespace kigo::model
