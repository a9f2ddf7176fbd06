// Real vocabularies and the ids that independent programs gave: Hugging Face tokenizers and llama.cpp.
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/base/json.h"
#include "core/gguf/reader.h"
#include "core/text/tokenizer.h"

namespace kigo::text {
namespace {

const std::string kFolder = KIGO_SOURCE_DIR "/../shared/tokenizers/";

Result<Tokenizer> load(const std::string& name) {
  KIGO_ASSIGN(const gguf::MappedFile mapped, gguf::open(kFolder + name));
  return Tokenizer::from_gguf(mapped.file);
}

class TokenizerGolden : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kFolder))
      GTEST_SKIP() << "no real vocabularies: " << kFolder << " is absent";
  }
};

TEST_F(TokenizerGolden, Qwen2AgreesWithHuggingFaceOnEveryText) {
  const auto tokenizer = load("ggml-vocab-qwen2.gguf");
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  const auto golden = read_text_file(kFolder + "qwen2.hf.jsonl");
  ASSERT_TRUE(golden) << golden.error().message();
  std::istringstream lines(*golden);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto json = Json::parse(line, cat("line ", count + 1));
    ASSERT_TRUE(json) << json.error().message();
    std::vector<uint32_t> expected;
    for (const Json& id : *json->find("ids")->items())
      expected.push_back(static_cast<uint32_t>(*id.integer()));
    const auto ids = tokenizer->encode(*json->find("text")->string(), Special::parse);
    ASSERT_TRUE(ids) << ids.error().message();
    EXPECT_EQ(*ids, expected) << "line " << count + 1;
    EXPECT_EQ(tokenizer->decode(expected, Controls::shown), *json->find("decoded")->string())
        << "line " << count + 1;
  }
  EXPECT_EQ(count, 3010);
}

/// NAME.inp holds texts, each ended by a line of its own; NAME.out a line of ids for each, by llama.cpp.
void expect_llama_cpp_ids(const std::string& name) {
  const auto tokenizer = load(name);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  const auto texts = read_text_file(kFolder + name + ".inp");
  const auto golden = read_text_file(kFolder + name + ".out");
  ASSERT_TRUE(texts && golden);
  constexpr std::string_view kEnd = "\n__ggml_vocab_test__\n";
  std::istringstream lines(*golden);
  std::string_view rest = *texts;
  int count = 0;
  for (std::string line; !rest.empty() && std::getline(lines, line); ++count) {
    const size_t end = rest.find(kEnd);
    ASSERT_NE(end, std::string_view::npos);
    std::vector<uint32_t> expected;
    std::istringstream numbers(line);
    for (uint32_t id; numbers >> id;) expected.push_back(id);
    const auto ids = tokenizer->encode(rest.substr(0, end), Special::plain);
    ASSERT_TRUE(ids) << ids.error().message();
    EXPECT_EQ(*ids, expected) << "text " << count << ": " << escaped(rest.substr(0, end));
    EXPECT_EQ(tokenizer->decode(*ids), rest.substr(0, end));
    rest.remove_prefix(end + kEnd.size());
  }
  EXPECT_TRUE(rest.empty());
  EXPECT_EQ(count, 46);
}

TEST_F(TokenizerGolden, Qwen2AgreesWithLlamaCpp) { expect_llama_cpp_ids("ggml-vocab-qwen2.gguf"); }
TEST_F(TokenizerGolden, Gpt2AgreesWithLlamaCpp) { expect_llama_cpp_ids("ggml-vocab-gpt-2.gguf"); }

TEST_F(TokenizerGolden, Qwen2sKeysAreReadFromTheFile) {
  const auto tokenizer = load("ggml-vocab-qwen2.gguf");
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  EXPECT_EQ(tokenizer->size(), 151'936u);
  EXPECT_EQ(tokenizer->bos(), 151'643u);
  EXPECT_EQ(tokenizer->eos(), 151'645u);  // not 151643, which is the base model's
  EXPECT_EQ(tokenizer->end_ids(), (std::vector<uint32_t>{151'645}));
  EXPECT_FALSE(tokenizer->adds_bos());
  EXPECT_EQ(tokenizer->unusable_merges(), 0u);
  EXPECT_EQ(tokenizer->notes(), std::vector<std::string>{});
  EXPECT_TRUE(tokenizer->drawable(151'645));
  EXPECT_FALSE(tokenizer->drawable(151'646));  // [PAD151646]
  ASSERT_NE(tokenizer->chat_format(), nullptr);
  EXPECT_EQ(tokenizer->chat_format()->name, "qwen2");
}

TEST_F(TokenizerGolden, Qwen2sChatIsWhatHuggingFaceMakesOfTheJoinedText) {
  const auto tokenizer = load("ggml-vocab-qwen2.gguf");
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  // The ids of this text stand in qwen2.hf.jsonl: a user's "hi" in plain ChatML.
  const std::vector<Message> messages = {{Role::user, "hi"}};
  const auto ids = render(*tokenizer, *find_chat_format_by_name("chatml"), messages);
  ASSERT_TRUE(ids) << ids.error().message();
  EXPECT_EQ(*ids, (std::vector<uint32_t>{151644, 872, 198, 6023, 151645, 198, 151644, 77091, 198}));
}

TEST_F(TokenizerGolden, SentencePieceIsRefusedByName) {
  for (const char* name : {"ggml-vocab-llama-spm.gguf", "ggml-vocab-phi-3.gguf"}) {
    const auto tokenizer = load(name);
    ASSERT_FALSE(tokenizer);
    EXPECT_EQ(tokenizer.error().code, Code::unsupported);
    EXPECT_EQ(tokenizer.error().subject, "tokenizer.ggml.model");
    EXPECT_EQ(tokenizer.error().found, "\"llama\"");
  }
}

}  // namespace
}  // namespace kigo::text
