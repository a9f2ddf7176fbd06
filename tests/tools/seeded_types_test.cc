// Which tensor of a seeded model gets which type, and the shapes there are.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "core/base/cat.h"
#include "tools/lib/seeded_model.h"

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

}  // namespace
}  // namespace kigo::tools
