// Models as files: what the reader makes of the bytes, and what the model layer then says.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/gguf/writer.h"
#include "tests/core/model/model_file.h"

namespace kigo::model {
namespace {

std::vector<std::byte> bytes_of(const ModelFile& model) { return *gguf::write(model.file()); }

// The string at `offset`: every entry of a file begins with its name.
std::string name_at(const std::vector<std::byte>& bytes, uint64_t offset) {
  uint64_t size = 0;
  std::memcpy(&size, &bytes[offset], sizeof size);
  return {reinterpret_cast<const char*>(&bytes[offset + sizeof size]), size};
}

TEST(ModelBytes, OfEveryAlignmentAreTheSameModel) {
  for (const uint32_t alignment : {1u, 32u, 64u, 4096u}) {
    ModelFile model;
    model.set("general.alignment", alignment);
    const std::vector<std::byte> bytes = bytes_of(model);
    const auto file = gguf::read(bytes);
    ASSERT_TRUE(file) << file.error().message();
    EXPECT_EQ(file->alignment, alignment);
    EXPECT_EQ(explain(*file), std::vector<Error>());
    EXPECT_TRUE(accept(*file));
  }
}

TEST(ModelBytes, HaveTheWrongKeyWhereTheErrorSays) {
  ModelFile model;
  model.set("qwen2.block_count", uint32_t{0});
  const std::vector<std::byte> bytes = bytes_of(model);
  const Status status = accept(*gguf::read(bytes));
  ASSERT_FALSE(status);
  EXPECT_EQ(name_at(bytes, *status.error().offset), "qwen2.block_count");
}

TEST(ModelBytes, HaveTheWrongTensorWhereTheErrorSays) {
  ModelFile model;
  model.reshape("blk.1.ffn_up.weight", {64, 95});
  const std::vector<std::byte> bytes = bytes_of(model);
  const Status status = accept(*gguf::read(bytes));
  ASSERT_FALSE(status);
  EXPECT_EQ(name_at(bytes, *status.error().offset), "blk.1.ffn_up.weight");
}

TEST(ModelBytes, HaveTheWrongScaleWhereTheErrorSays) {
  ModelFile model;
  model.retype("blk.1.attn_q.weight", "Q8_0");
  const uint16_t infinite = 0x7C00;
  std::memcpy(model.data("blk.1.attn_q.weight") + 9 * 34, &infinite, sizeof infinite);
  const std::vector<std::byte> bytes = bytes_of(model);
  const Status status = accept(*gguf::read(bytes));
  ASSERT_FALSE(status);
  uint16_t there = 0;
  std::memcpy(&there, &bytes[*status.error().offset], sizeof there);
  EXPECT_EQ(there, infinite);
}

TEST(ModelBytes, WithATensorCountOneTooLowLackTheLastTensor) {
  std::vector<std::byte> bytes = bytes_of(ModelFile());
  uint64_t tensors = 0;
  std::memcpy(&tensors, &bytes[8], sizeof tensors);
  --tensors;
  std::memcpy(&bytes[8], &tensors, sizeof tensors);
  const auto file = gguf::read(bytes);
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_GT(file->trailing_bytes, 0u);
  EXPECT_EQ(accept(*file).error().code, Code::missing_tensor);
  EXPECT_EQ(accept(*file).error().subject, "output_norm.weight");
}

// Whatever the bits say, the model layer ends with an answer: the numbers of an accepted file obey the
// contract.
TEST(ModelBytes, WithAnyBitOfTheHeadFlippedAreRefusedOrAModel) {
  std::vector<std::byte> bytes = bytes_of(ModelFile(1));
  const uint64_t head_bytes = gguf::read(bytes)->head_bytes;
  int unreadable = 0, refused = 0, accepted = 0;
  for (uint64_t bit = 0; bit < 8 * head_bytes; ++bit) {
    bytes[bit / 8] ^= std::byte{1} << bit % 8;
    const auto file = gguf::read(bytes);
    bytes[bit / 8] ^= std::byte{1} << bit % 8;
    if (!file) {
      ++unreadable;
      continue;
    }
    const std::vector<Error> errors = explain(*file);
    ++(errors.empty() ? accepted : refused);
    if (!errors.empty()) continue;
    const Config config = *read_config(*file);
    EXPECT_EQ(config.heads % config.kv_heads, 0) << "bit " << bit;
    EXPECT_EQ(config.rope_dims, config.head_dim) << "bit " << bit;
    EXPECT_EQ(find_weights(*file, config)->find(Role::token_embd)->dims[1], 40u) << "bit " << bit;
  }
  EXPECT_GT(unreadable, 1000);
  EXPECT_GT(refused, 500);
  EXPECT_GT(accepted, 100);  // the context, a token's letters, eps by one bit
}

class OpenTest : public testing::Test {
 protected:
  ~OpenTest() override { std::filesystem::remove(path_); }
  const std::string path_ =
      (std::filesystem::temp_directory_path() / cat("kigo_open_", ::getpid(), ".gguf")).string();
};

TEST_F(OpenTest, GivesAModelThatOutlivesItsMove) {
  ASSERT_TRUE(gguf::save(ModelFile().file(), path_));
  Result<Model> opened = open(path_);
  ASSERT_TRUE(opened) << opened.error().message();
  const Model model = std::move(*opened);
  EXPECT_EQ(model.config.architecture->name, "qwen2");
  EXPECT_EQ(model.config.vocab, 40);
  EXPECT_EQ(model.weights.find(Role::ffn_down, 1)->name, "blk.1.ffn_down.weight");
  EXPECT_EQ(model.weights.head().data.size(), 64u * 40 * 4);
}

TEST_F(OpenTest, LooksAtTheData) {
  ModelFile model;
  const uint32_t infinite = 0x7F800000;
  std::memcpy(model.data("output_norm.weight"), &infinite, sizeof infinite);
  ASSERT_TRUE(gguf::save(model.file(), path_));
  EXPECT_EQ(open(path_).error().code, Code::bad_data);
}

TEST_F(OpenTest, NamesAFileThatIsNotThere) {
  const Result<Model> model = open(path_);
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, Code::io);
  EXPECT_EQ(model.error().subject, path_);
}

}  // namespace
}  // namespace kigo::model
