// The cases of docs/gguf.md, section 5, that concern a model's tensors and their data.
#include "core/model/weights.h"

#include <gtest/gtest.h>

#include "core/base/cat.h"
#include "tests/core/model/model_file.h"

namespace kigo::model {
namespace {

Weights weights_of(const ModelFile& model) { return *find_weights(model.file(), *read_config(model.file())); }

TEST(TensorName, HasTheLayer) {
  EXPECT_EQ(tensor_name(Role::attn_q, 3), "blk.3.attn_q.weight");
  EXPECT_EQ(tensor_name(Role::attn_v_bias, 11), "blk.11.attn_v.bias");
  EXPECT_EQ(tensor_name(Role::token_embd), "token_embd.weight");
}

TEST(Weights, FindEachTensorOfEachLayer) {
  const ModelFile model;
  const Weights weights = weights_of(model);
  for (int64_t layer = 0; layer < 2; ++layer)
    for (int role = kModelRoles; role < kRoles; ++role) {
      if (presence(static_cast<Role>(role), *find_architecture("qwen2")) == Presence::never) continue;
      const gguf::Tensor* tensor = weights.find(static_cast<Role>(role), layer);
      ASSERT_NE(tensor, nullptr);
      EXPECT_EQ(tensor->name, tensor_name(static_cast<Role>(role), layer));
    }
  EXPECT_EQ(weights.find(Role::output_norm)->name, "output_norm.weight");
}

TEST(Weights, UseTheEmbeddingAsHeadWhenTied) {
  const ModelFile model;
  const Weights weights = weights_of(model);
  EXPECT_TRUE(weights.tied());
  EXPECT_EQ(weights.head().name, "token_embd.weight");
}

TEST(Weights, UseTheOutputAsHeadWhereItIsPresent) {
  ModelFile model;
  model.add("output.weight", {64, 40});
  const Weights weights = weights_of(model);
  EXPECT_FALSE(weights.tied());
  EXPECT_EQ(weights.head().name, "output.weight");
}

TEST(Weights, Are290For24LayersWhenTiedAnd291WhenNot) {
  ModelFile model(24);
  EXPECT_EQ(weights_of(model).all().size(), 290u);
  model.add("output.weight", {64, 40});
  EXPECT_EQ(weights_of(model).all().size(), 291u);
}

// --- one tensor absent, of a wrong shape, of a wrong type

struct Required {
  const char* name;
  const char* shape;  // expected, in symbols and numbers
};
void PrintTo(const Required& required, std::ostream* out) { *out << required.name; }
class RequiredTensor : public testing::TestWithParam<Required> {};

TEST_P(RequiredTensor, IsMissedByName) {
  ModelFile model;
  model.erase_tensor(GetParam().name);
  expect_refused(
      model,
      {Code::missing_tensor, GetParam().name, "missing", cat(GetParam().shape, ", which qwen2 needs"), {}});
}

TEST_P(RequiredTensor, OfAnotherShapeIsRefusedWithSymbolsAndNumbers) {
  ModelFile model;
  const std::vector<uint64_t> dims = model.tensor(GetParam().name).dims;
  std::vector<uint64_t> longer = dims;
  longer.back() += 1;
  model.reshape(GetParam().name, longer);
  expect_refused_tensor(model, Code::wrong_shape, GetParam().name,
                        cat("shape ", list(std::span<const uint64_t>(longer))), GetParam().shape);
}

TEST_P(RequiredTensor, OfAnotherRankIsRefused) {
  ModelFile model;
  std::vector<uint64_t> dims = model.tensor(GetParam().name).dims;
  dims.push_back(1);
  model.reshape(GetParam().name, dims);
  expect_refused_tensor(model, Code::wrong_shape, GetParam().name,
                        cat("shape ", list(std::span<const uint64_t>(dims))), GetParam().shape);
}

TEST_P(RequiredTensor, OfTypeI32IsRefused) {
  ModelFile model;
  model.retype(GetParam().name, "I32");
  expect_refused_tensor(model, Code::wrong_type, GetParam().name, "type I32", "a type for weights");
}

constexpr auto kRequired = std::to_array<Required>({
    {"token_embd.weight", "[width, vocab] = [64, 40]"},
    {"output_norm.weight", "[width] = [64]"},
    {"blk.1.attn_norm.weight", "[width] = [64]"},
    {"blk.1.ffn_norm.weight", "[width] = [64]"},
    {"blk.1.attn_q.weight", "[width, heads * head_dim] = [64, 64]"},
    {"blk.1.attn_k.weight", "[width, kv_heads * head_dim] = [64, 32]"},
    {"blk.1.attn_v.weight", "[width, kv_heads * head_dim] = [64, 32]"},
    {"blk.1.attn_q.bias", "[heads * head_dim] = [64]"},
    {"blk.1.attn_k.bias", "[kv_heads * head_dim] = [32]"},
    {"blk.1.attn_v.bias", "[kv_heads * head_dim] = [32]"},
    {"blk.1.attn_output.weight", "[heads * head_dim, width] = [64, 64]"},
    {"blk.1.ffn_gate.weight", "[width, ffn_width] = [64, 96]"},
    {"blk.1.ffn_up.weight", "[width, ffn_width] = [64, 96]"},
    {"blk.1.ffn_down.weight", "[ffn_width, width] = [96, 64]"},
});
INSTANTIATE_TEST_SUITE_P(Name, RequiredTensor, testing::ValuesIn(kRequired), [](const auto& each) {
  std::string name = each.param.name;
  std::ranges::replace(name, '.', '_');
  return name;
});

TEST(WeightShape, PrintsAsTheContractSays) {
  ModelFile model;
  model.reshape("blk.1.attn_q.weight", {64, 48});
  EXPECT_EQ(accept(model.file()).error().message(),
            cat("blk.1.attn_q.weight: shape [64, 48], expected [width, heads * head_dim] = [64, 64] "
                "(wrong_shape, byte ",
                model.offset_of("blk.1.attn_q.weight"), ")"));
}

TEST(WeightShape, OfATransposedMatrixIsRefused) {
  ModelFile model;
  model.reshape("blk.0.ffn_down.weight", {64, 96});
  expect_refused_tensor(model, Code::wrong_shape, "blk.0.ffn_down.weight", "shape [64, 96]",
                        "[ffn_width, width] = [96, 64]");
}

TEST(WeightShape, OfAnEmbeddingWithOtherRowsThanTokensIsRefused) {
  ModelFile model;
  model.set("tokenizer.ggml.tokens", ModelFile::tokens(38));
  expect_refused_tensor(model, Code::wrong_shape, "token_embd.weight", "shape [64, 40]",
                        "[width, vocab] = [64, 38]");
}

TEST(WeightShape, OfAnOutputWithOtherRowsThanTokensIsRefused) {
  ModelFile model;
  model.add("output.weight", {64, 38});
  expect_refused_tensor(model, Code::wrong_shape, "output.weight", "shape [64, 38]",
                        "[width, vocab] = [64, 40]");
}

// --- types

class DecodedType : public testing::TestWithParam<const char*> {};
TEST_P(DecodedType, IsAcceptedForAMatrix) {
  ModelFile model;
  model.retype("blk.0.attn_q.weight", GetParam());
  EXPECT_TRUE(accept(model.file())) << accept(model.file()).error().message();
}
INSTANTIATE_TEST_SUITE_P(Type, DecodedType, testing::Values("F32", "F16", "BF16", "Q4_0", "Q5_0", "Q8_0"),
                         [](const auto& each) { return std::string(each.param); });

TEST(WeightType, OfAVectorMayBeHalf) {
  ModelFile model;
  model.retype("blk.0.attn_norm.weight", "F16");
  model.retype("blk.0.attn_q.bias", "BF16");
  EXPECT_TRUE(accept(model.file()));
}

TEST(WeightType, OfAVectorIsNeverQuantised) {
  ModelFile model;
  model.retype("blk.0.attn_norm.weight", "Q8_0");
  expect_refused_tensor(model, Code::wrong_type, "blk.0.attn_norm.weight", "type Q8_0",
                        "F32, F16 or BF16 for a vector");
}

TEST(WeightType, KnownBySizeOnlyIsUnsupportedByName) {
  ModelFile model;
  model.retype("blk.0.attn_q.weight", "IQ4_NL");
  expect_refused_tensor(model, Code::unsupported, "blk.0.attn_q.weight", "type IQ4_NL",
                        "a type that kigo decodes");
}

// --- too many, too few

TEST(BlockCount, AboveTheBlocksPresentMissesTheFirstAbsentTensor) {
  ModelFile model;
  model.set("qwen2.block_count", uint32_t{3});
  expect_refused(
      model,
      {Code::missing_tensor, "blk.2.attn_norm.weight", "missing", "[width] = [64], which qwen2 needs", {}});
}

TEST(BlockCount, BelowTheBlocksPresentNamesTheFirstOneTooMany) {
  ModelFile model;
  model.set("qwen2.block_count", uint32_t{1});
  expect_refused_tensor(model, Code::unexpected_tensor, "blk.1.attn_norm.weight",
                        "not a tensor of this model", "those of qwen2 with blk.0 to blk.0");
}

class UnknownTensor : public testing::TestWithParam<const char*> {};
TEST_P(UnknownTensor, IsRefused) {
  ModelFile model;
  model.add(GetParam(), {64});
  expect_refused_tensor(model, Code::unexpected_tensor, GetParam(), "not a tensor of this model",
                        "those of qwen2 with blk.0 to blk.1");
}
INSTANTIATE_TEST_SUITE_P(Name, UnknownTensor,
                         testing::Values("blk.0.attn_output.bias", "blk.00.attn_norm.weight",
                                         "rope_freqs.weight", "token_embd.weight ", "blk.-1.attn_norm.weight",
                                         "mystery"),
                         [](const auto& each) { return cat("N", each.index); });

// --- order

TEST(Explain, ListsTensorsByLayerInTheContractsOrderAndStrangersLast) {
  ModelFile model;
  model.add("stranger", {1});
  model.erase_tensor("blk.1.attn_norm.weight");
  model.retype("blk.0.ffn_down.weight", "I8");
  model.reshape("blk.0.attn_q.weight", {64, 1});
  model.erase_tensor("output_norm.weight");
  std::vector<std::string> subjects;
  for (const Error& error : explain(model.file())) subjects.push_back(error.subject);
  EXPECT_EQ(subjects,
            (std::vector<std::string>{"output_norm.weight", "blk.0.attn_q.weight", "blk.0.ffn_down.weight",
                                      "blk.1.attn_norm.weight", "stranger"}));
  EXPECT_EQ(accept(model.file()).error(), explain(model.file()).front());
}

TEST(Explain, PutsKeysBeforeTensors) {
  ModelFile model;
  model.erase_tensor("output_norm.weight");
  model.erase("qwen2.rope.freq_base");
  const std::vector<Error> errors = explain(model.file());
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].code, Code::missing_key);
}

TEST(Explain, IsEmptyForAGoodFile) { EXPECT_TRUE(explain(ModelFile().file()).empty()); }

}  // namespace
}  // namespace kigo::model
