// The table of tensor types against docs/formats.md, section 2, row by row.
#include "core/quant/tensor_type.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "core/base/cat.h"

namespace kigo::quant {
namespace {

std::vector<std::string> rows(bool decodable) {
  std::vector<std::string> all;
  for (const TensorType& type : tensor_types()) {
    if ((type.decode != nullptr) == decodable)
      all.push_back(cat(type.id, ' ', type.name, ' ', type.block_values, ' ', type.block_bytes));
  }
  return all;
}

TEST(TensorTypes, DecodesTheseFormats) {
  EXPECT_EQ(rows(true),
            (std::vector<std::string>{
                "0 F32 1 4", "1 F16 1 2", "2 Q4_0 32 18", "3 Q4_1 32 20", "6 Q5_0 32 22", "7 Q5_1 32 24",
                "8 Q8_0 32 34", "10 Q2_K 256 84", "11 Q3_K 256 110", "12 Q4_K 256 144", "13 Q5_K 256 176",
                "14 Q6_K 256 210", "15 Q8_K 256 292", "30 BF16 1 2", "39 MXFP4 32 17"}));
}

TEST(TensorTypes, KnowsTheseBySizeOnly) {
  EXPECT_EQ(
      rows(false),
      (std::vector<std::string>{
          "9 Q8_1 32 36",    "16 IQ2_XXS 256 66", "17 IQ2_XS 256 74", "18 IQ3_XXS 256 98", "19 IQ1_S 256 50",
          "20 IQ4_NL 32 18", "21 IQ3_S 256 110",  "22 IQ2_S 256 82",  "23 IQ4_XS 256 136", "24 I8 1 1",
          "25 I16 1 2",      "26 I32 1 4",        "27 I64 1 8",       "28 F64 1 8",        "29 IQ1_M 256 56",
          "34 TQ1_0 256 54", "35 TQ2_0 256 66",   "40 NVFP4 64 36",   "41 Q1_0 128 18",    "42 Q2_0 64 18"}));
}

TEST(TensorTypes, HasFiniteExactlyWhereItDecodes) {
  for (const TensorType& type : tensor_types())
    EXPECT_EQ(type.finite == nullptr, type.decode == nullptr) << type.name;
}

TEST(TensorTypes, HasTheLengthOfAScaleWhereItDecodes) {
  std::string lengths;
  for (const TensorType& type : tensor_types())
    if (type.scale_bytes != 0) lengths += cat(type.name, ' ', type.scale_bytes, ' ');
  EXPECT_EQ(lengths,
            "F32 4 F16 2 Q4_0 2 Q4_1 2 Q5_0 2 Q5_1 2 Q8_0 2 Q2_K 2 Q3_K 2 Q4_K 2 Q5_K 2 Q6_K 2 Q8_K 4 BF16 2 "
            "MXFP4 1 ");
}

TEST(TensorTypes, StandsByRisingId) {
  EXPECT_TRUE(std::ranges::is_sorted(tensor_types(), {}, &TensorType::id));
}

TEST(TensorTypes, HasNoRowForRemovedOrUnknownIds) {
  for (const uint32_t id : {4u, 5u, 31u, 32u, 33u, 36u, 37u, 38u, 43u, 1000u, 0xFFFFFFFFu})
    EXPECT_EQ(find_tensor_type(id), nullptr) << id;
  for (const char* name : {"", "q4_k", "Q4_K_M", "Q4_2", "f16"})
    EXPECT_EQ(find_tensor_type(name), nullptr) << name;
}

}  // namespace
}  // namespace kigo::quant
