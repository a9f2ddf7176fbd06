// Seeded models: a model without fault, its tokenizer, and the bytes on disk.
#include "tools/lib/seeded_model.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "core/base/cat.h"
#include "core/gguf/reader.h"
#include "core/gguf/writer.h"
#include "core/text/chat.h"
#include "core/text/tokenizer.h"

namespace kigo::tools {
namespace {

class SeededModelOfTypes : public testing::TestWithParam<std::string_view> {};
TEST_P(SeededModelOfTypes, IsAModelWithoutFault) {
  const auto bytes = make_model_bytes({"tiny", std::string(GetParam()), 1});
  ASSERT_TRUE(bytes) << bytes.error().message();
  const auto file = gguf::read(*bytes);
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->trailing_bytes, 0u);
  const auto config = model::read_config(*file);
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->name, cat("seeded tiny ", GetParam(), ", seed 1"));
  const auto weights = model::find_weights(*file, *config);
  ASSERT_TRUE(weights) << weights.error().message();
  EXPECT_TRUE(weights->tied());
  const Status data = model::check_data(*file, *config, *weights);
  EXPECT_TRUE(data) << data.error().message();
}
INSTANTIATE_TEST_SUITE_P(Types, SeededModelOfTypes,
                         testing::ValuesIn(type_names().begin(), type_names().end()),
                         [](const auto& each) { return std::string(each.param); });

TEST(SeededModel, OfAnotherFamilyIsAModelWithoutFault) {
  Shape shape = *find_shape("tiny");
  shape.architecture = "llama";
  const auto bytes = make_model_bytes(shape, "q4_k_m", 1);
  ASSERT_TRUE(bytes) << bytes.error().message();
  const auto file = gguf::read(*bytes);
  ASSERT_TRUE(file) << file.error().message();
  const auto config = model::read_config(*file);
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->architecture, model::find_architecture("llama"));
  const auto weights = model::find_weights(*file, *config);
  ASSERT_TRUE(weights) << weights.error().message();
  EXPECT_EQ(weights->find(model::Role::attn_q_bias, 0), nullptr);
  EXPECT_TRUE(model::check_data(*file, *config, *weights));
}

TEST(SeededModel, IsWhatTheWriterWrites) {
  const auto bytes = make_model_bytes({"tiny", "q4_k_m", 1});
  EXPECT_EQ(*gguf::write(*gguf::read(*bytes)), *bytes);
}

TEST(SeededModel, HasTheSameBytesForTheSameSeedOnly) {
  const auto bytes = make_model_bytes({"tiny", "q8_0", 1});
  EXPECT_EQ(*make_model_bytes({"tiny", "q8_0", 1}), *bytes);
  EXPECT_NE(*make_model_bytes({"tiny", "q8_0", 2}), *bytes);
}

TEST(SeededModel, KeepsItsBytesFromReleaseToRelease) {
  uint64_t hash = 0xCBF29CE484222325ull;  // FNV-1a
  const std::vector<std::byte> bytes = *make_model_bytes({"tiny", "q4_k_m", 1});
  for (const std::byte byte : bytes) hash = (hash ^ std::to_integer<uint64_t>(byte)) * 0x100000001B3ull;
  EXPECT_EQ(hex(hash, 16), "0x20a06e84fd8e3118");
}

std::vector<float> decoded(const gguf::Tensor& tensor) {
  std::vector<float> values(tensor.elements());
  tensor.type->decode(tensor.data.data(), static_cast<int64_t>(values.size()), values.data());
  return values;
}

TEST(SeededModel, HasNormsNearOneModerateBiasesAndMatricesThatKeepTheScale) {
  const auto bytes = make_model_bytes({"tiny", "q8_0", 1});
  const gguf::File file = *gguf::read(*bytes);
  for (const gguf::Tensor& tensor : file.tensors) {
    const std::vector<float> values = decoded(tensor);
    const auto [low, high] = std::ranges::minmax(values);
    if (tensor.name.find("norm") != std::string_view::npos) {
      EXPECT_TRUE(0.75 <= low && low < 0.8 && 1.2 < high && high <= 1.25) << tensor.name;
    } else if (tensor.name.ends_with(".bias")) {
      EXPECT_TRUE(-0.5 <= low && low < -0.4 && 0.4 < high && high <= 0.5) << tensor.name;
    } else {
      double squares = 0;
      for (const float value : values) squares += double{value} * value;
      // 1,024 blocks or more whose squares differ by a third: as for Drawn.
      const double wanted = 1 / std::sqrt(static_cast<double>(tensor.dims[0]));
      EXPECT_NEAR(std::sqrt(squares / static_cast<double>(values.size())), wanted, 0.026 * wanted)
          << tensor.name;
    }
  }
}

TEST(SeededModel, DrawsEachTensorFromAStreamOfItsOwn) {
  const auto bytes = make_model_bytes({"tiny", "f32", 1});
  const gguf::File file = *gguf::read(*bytes);
  const std::vector<float> q = decoded(*file.find_tensor("blk.0.attn_q.weight"));
  EXPECT_NE(q, decoded(*file.find_tensor("blk.0.attn_output.weight")));
  EXPECT_NE(q, decoded(*file.find_tensor("blk.1.attn_q.weight")));
  // A tensor does not change when others do.
  Shape wider = *find_shape("tiny");
  wider.ffn_width += 256;
  const auto other = make_model_bytes(wider, "f32", 1);
  const gguf::File other_file = *gguf::read(*other);
  EXPECT_EQ(q, decoded(*other_file.find_tensor("blk.0.attn_q.weight")));
}

TEST(SeededModel, TakesOddShapes) {
  const Shape odd{.name = "odd",
                  .layers = 1,
                  .width = 44,
                  .heads = 3,
                  .kv_heads = 1,
                  .head_dim = 10,
                  .ffn_width = 7,
                  .vocab = 5,
                  .unused = 0,
                  .context = 9,
                  .norm_eps = 1e-5f,
                  .rope_base = 10000,
                  .tied = false};
  const auto bytes = make_model_bytes(odd, "q8_0", 3);
  const auto file = gguf::read(*bytes);
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(model::explain(*file), std::vector<Error>());
  const auto config = model::read_config(*file);
  EXPECT_EQ(config->head_dim, 10);
  EXPECT_EQ(config->vocab, 5);
}

TEST(SeededModel, RefusesAnUnknownShape) {
  EXPECT_EQ(make_model_bytes({"huge", "f32", 1}).error().code, Code::invalid_request);
}

// --- its tokenizer

class SeededTokenizer : public testing::Test {
 protected:
  const std::vector<std::byte> bytes_ = *make_model_bytes({"tiny", "q4_0", 1});
  const gguf::File file_ = *gguf::read(bytes_);
  const text::Tokenizer tokenizer_ = *text::Tokenizer::from_gguf(file_);
};

TEST_F(SeededTokenizer, EncodesEveryByteAsItsOwnToken) {
  EXPECT_EQ(*tokenizer_.encode("Hi \u00e9\n", text::Special::parse),
            (std::vector<uint32_t>{'H', 'i', ' ', 0xC3, 0xA9, '\n'}));
}

TEST_F(SeededTokenizer, KnowsChatMLAndItsEnd) {
  const auto ids = tokenizer_.encode("<|endoftext|><|im_start|><|im_end|>", text::Special::parse);
  EXPECT_EQ(*ids, (std::vector<uint32_t>{504, 505, 506}));
  ASSERT_NE(tokenizer_.chat_format(), nullptr);
  EXPECT_EQ(tokenizer_.chat_format()->name, "chatml");
  EXPECT_EQ(tokenizer_.eos(), 506u);
}

TEST_F(SeededTokenizer, DrawsFillersAndNeverTheUnusedIds) {
  EXPECT_EQ(tokenizer_.bytes(503), " word503");
  EXPECT_TRUE(tokenizer_.drawable(503));
  for (uint32_t id = 507; id < 512; ++id) EXPECT_FALSE(tokenizer_.drawable(id));
}

TEST_F(SeededTokenizer, IsAbsentBelowTheVocabularyItNeeds) {
  Shape shape = *find_shape("tiny");
  shape.vocab = 258;
  const auto bytes = make_model_bytes(shape, "q4_0", 1);
  EXPECT_EQ(gguf::read(*bytes)->find("tokenizer.ggml.tokens"), nullptr);
  shape.vocab = 259;
  const auto enough = make_model_bytes(shape, "q4_0", 1);
  EXPECT_EQ(text::Tokenizer::from_gguf(*gguf::read(*enough))->size(), 259u);
}

// --- the file on disk

class SeededFile : public testing::Test {
 protected:
  SeededFile() { std::filesystem::create_directory(folder_); }
  ~SeededFile() override { std::filesystem::remove_all(folder_); }
  int entries() const {
    return static_cast<int>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }
  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / cat("kigo_seeded_", ::getpid());
  const std::string path_ = (folder_ / "model.gguf").string();
};

TEST_F(SeededFile, HasTheBytesThatMemoryHas) {
  ASSERT_TRUE(make_model({"haiku", "q4_k_m", 5}, path_));
  const FileMap map = *FileMap::open(path_);
  const auto bytes = make_model_bytes({"haiku", "q4_k_m", 5});
  EXPECT_TRUE(std::ranges::equal(map.bytes(), *bytes));
  EXPECT_EQ(entries(), 1);
}

TEST_F(SeededFile, OpensAsAModel) {
  ASSERT_TRUE(make_model({"haiku", "q4_k_m", 5}, path_));
  const auto model = model::open(path_);
  ASSERT_TRUE(model) << model.error().message();
  EXPECT_EQ(model->config.layers, 4);
  // The pointers in `weights` outlive the move out of open().
  EXPECT_EQ(model->weights.find(model::Role::ffn_down, 3)->name, "blk.3.ffn_down.weight");
}

TEST_F(SeededFile, ReportsProgressUpToTheLastByte) {
  uint64_t last = 0, total = 0;
  ASSERT_TRUE(make_model({"haiku", "f32", 5}, path_, [&](uint64_t written, uint64_t all) {
    EXPECT_GT(written, last);
    last = written;
    total = all;
  }));
  EXPECT_EQ(last, total);
  EXPECT_EQ(total, std::filesystem::file_size(path_));
}

TEST_F(SeededFile, LeavesNothingBehindWhenTheDiskIsFull) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = limit;
  small.rlim_cur = 1 << 20;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status status = make_model({"haiku", "f32", 5}, path_);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::io);
  EXPECT_EQ(status.error().subject, path_);
  EXPECT_EQ(entries(), 0);
}

TEST_F(SeededFile, KeepsTheOldFileWhenTheNewOneIsRefused) {
  std::ofstream(path_) << "old";
  EXPECT_FALSE(make_model({"tiny", "iq4_nl", 5}, path_));
  EXPECT_EQ(*read_text_file(path_), "old");
  EXPECT_EQ(entries(), 1);
}

TEST_F(SeededFile, NamesTheFolderThatIsNotThere) {
  const Status status = make_model({"tiny", "f32", 5}, (folder_ / "none" / "model.gguf").string());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().found, "cannot create: No such file or directory");
}

}  // namespace
}  // namespace kigo::tools
