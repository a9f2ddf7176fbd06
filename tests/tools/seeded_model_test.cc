// Seeded models: the types of the recipe, the spread of the values, the bytes on disk.
#include "tools/lib/seeded_model.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>

#include "core/base/cat.h"
#include "core/gguf/reader.h"
#include "core/gguf/writer.h"
#include "core/text/chat.h"
#include "core/text/tokenizer.h"
#include "tools/lib/seeded_blocks.h"

namespace kigo::tools {
namespace {

struct Totals {
  int tensors = 0;
  uint64_t bytes = 0;
  bool operator==(const Totals&) const = default;
};
void PrintTo(const Totals& totals, std::ostream* out) {
  *out << totals.tensors << " of " << totals.bytes << " bytes";
}

// By value: a loop over `*plan_tensors(...)` would outlive what it loops over.
std::vector<PlannedTensor> planned(const Shape& shape, std::string_view types) {
  return *plan_tensors(shape, types);
}

std::map<std::string, Totals> totals_by_type(const Shape& shape, std::string_view types) {
  std::map<std::string, Totals> totals;
  for (const PlannedTensor& tensor : planned(shape, types)) {
    for (const std::string& row : {std::string(tensor.type->name), std::string("all")}) {
      ++totals[row].tensors;
      totals[row].bytes += tensor.size_bytes();
    }
  }
  return totals;
}

// --- which tensor gets which type

// docs/formats.md, section 8, confirmed there by the size of the published file.
TEST(PlanTensors, GivesThePublishedQwenFileOfQ4KM) {
  const std::map<std::string, Totals> expected{{"F32", {121, 286208}},    {"Q5_0", {133, 266742784}},
                                               {"Q8_0", {13, 146105344}}, {"Q4_K", {12, 29417472}},
                                               {"Q6_K", {12, 42900480}},  {"all", {291, 485452288}}};
  EXPECT_EQ(totals_by_type(*find_shape("qwen2.5-0.5b"), "q4_k_m"), expected);
}

TEST(PlanTensors, GivesTheTiedQwenFileOfQ4KM) {
  Shape shape = *find_shape("qwen2.5-0.5b");
  shape.tied = true;
  const auto totals = totals_by_type(shape, "q4_k_m");
  EXPECT_EQ(totals.at("all"), (Totals{290, 391859712}));
  EXPECT_EQ(totals.at("Q8_0").tensors, 13);  // token_embd instead of output
}

TEST(PlanTensors, GivesTheQwenFileOfF16) {
  const auto totals = totals_by_type(*find_shape("qwen2.5-0.5b"), "f16");
  EXPECT_EQ(totals.at("F16").tensors, 170);
  EXPECT_EQ(totals.at("F32").tensors, 121);
  EXPECT_EQ(totals.at("all").bytes, 1260477952u);
}

// meta-llama/Meta-Llama-3-8B: 8,030,261,248 parameters in 291 tensors.
TEST(PlanTensors, GivesTheLlamaOfEightBillion) {
  uint64_t parameters = 0;
  const std::vector<PlannedTensor> tensors = planned(*find_shape("llama-3-8b"), "q4_k_m");
  for (const PlannedTensor& tensor : tensors) parameters += tensor.blocks() * tensor.type->block_values;
  EXPECT_EQ(parameters, 8'030'261'248u);
  EXPECT_EQ(tensors.size(), 291u);
}

TEST(PlanTensors, PutsTheFinerTypeIntoTheLayersOfTheRecipe) {
  std::string finer;
  for (const PlannedTensor& tensor : planned(*find_shape("qwen2.5-0.5b"), "q4_k_m"))
    if (tensor.role == model::Role::attn_v && tensor.type->name == "Q8_0") finer += cat(tensor.name, ' ');
  std::string expected;
  for (const int layer : {0, 1, 2, 5, 8, 11, 14, 17, 20, 21, 22, 23})
    expected += cat("blk.", layer, ".attn_v.weight ");
  EXPECT_EQ(finer, expected);
}

TEST(PlanTensors, FallsBackToF16ForRowsThatNoBlockDivides) {
  Shape shape = *find_shape("tiny");
  shape.ffn_width = 48;
  for (const PlannedTensor& tensor : planned(shape, "q4_k_m"))
    EXPECT_EQ(tensor.type->name == "F16", tensor.role == model::Role::ffn_down);
}

TEST(PlanTensors, FallsBackToSmallerBlocksOfAboutTheSameSize) {
  Shape shape = *find_shape("tiny");
  shape.ffn_width = 96;
  for (const auto& [types, smaller] : {std::pair{"q2_k", "Q4_0"},
                                       {"q3_k", "Q4_0"},
                                       {"q4_k", "Q5_0"},
                                       {"q5_k", "Q5_1"},
                                       {"q6_k", "Q8_0"},
                                       {"q8_k", "Q8_0"}}) {
    for (const PlannedTensor& tensor : planned(shape, types))
      EXPECT_EQ(tensor.type->name == smaller, tensor.role == model::Role::ffn_down) << tensor.name;
  }
}

TEST(PlanTensors, NamesTheTypesThereAre) {
  EXPECT_EQ(plan_tensors(*find_shape("tiny"), "q4_k_s").error().message(),
            "types: \"q4_k_s\", expected one of q4_k_m, f32, f16, bf16, q4_0, q4_1, q5_0, q5_1, q8_0, q2_k, "
            "q3_k, q4_k, q5_k, q6_k, q8_k, mxfp4 (invalid_request)");
}

TEST(FindShape, NamesTheShapesThereAre) {
  EXPECT_EQ(find_shape("huge").error().message(),
            "shape: \"huge\", expected one of tiny, haiku, qwen2.5-0.5b, qwen2.5-7b, llama-3-8b "
            "(invalid_request)");
}

// --- the spread of drawn values

class Drawn : public testing::TestWithParam<const char*> {};

TEST_P(Drawn, ValuesHaveMeanZeroAndTheirRms) {
  const quant::TensorType& type = *quant::find_tensor_type(GetParam());
  constexpr int64_t kValues = 256 * 1024;
  constexpr double kRms = 0.03;
  const auto blocks = static_cast<uint64_t>(kValues) / type.block_values;
  std::vector<std::byte> bytes(blocks * type.block_bytes);
  Random random(7);
  find_draw(type)(random, kRms, blocks, bytes.data());
  std::vector<float> values(kValues);
  type.decode(bytes.data(), kValues, values.data());
  double sum = 0, squares = 0;
  for (const float value : values) sum += value, squares += double{value} * value;
  // 262,144 independent values put the mean within 5 * rms / 512; codes that share a block's scale, or a
  // sub-block's minimum (8,192 of them, a tenth of the rms), widen that by less than half.
  EXPECT_NEAR(sum / kValues, 0, 1.5 * 5 * kRms / 512);
  // The squares of blocks of 256 differ by a third from block to block: 5 / sqrt(1024) / 3 is 5 %, halved by
  // the root.
  EXPECT_NEAR(std::sqrt(squares / kValues), kRms, 0.026 * kRms);
}

TEST_P(Drawn, BlocksAreFiniteAndDiffer) {
  const quant::TensorType& type = *quant::find_tensor_type(GetParam());
  std::vector<std::byte> bytes(1000 * type.block_bytes);
  Random random(8);
  find_draw(type)(random, 0.007, 1000, bytes.data());
  int equal = 0;
  for (size_t at = 0; at < bytes.size(); at += type.block_bytes) {
    EXPECT_TRUE(type.finite(&bytes[at]));
    equal += at > 0 && std::memcmp(&bytes[at], &bytes[at - type.block_bytes], type.block_bytes) == 0;
  }
  EXPECT_LE(equal, 20);  // of 999 pairs; BF16 has some 300 values in reach, so three meet by chance
}

INSTANTIATE_TEST_SUITE_P(Type, Drawn,
                         testing::Values("F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K",
                                         "Q3_K", "Q4_K", "Q5_K", "Q6_K", "Q8_K", "MXFP4"),
                         [](const auto& each) { return std::string(each.param); });

TEST(FindDraw, HasNothingForTypesKnownBySizeOnly) {
  EXPECT_EQ(find_draw(*quant::find_tensor_type("IQ4_NL")), nullptr);
}

// --- the file

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
