// The scan of the weights: every scale and every scalar must be finite, no bias zero throughout.
#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "core/base/cat.h"
#include "tests/core/model/model_file.h"

namespace kigo::model {
namespace {

template <class Bits>
void put(ModelFile& model, std::string_view tensor, size_t offset, Bits bits) {
  std::memcpy(model.data(tensor) + offset, &bits, sizeof bits);
}

// Byte `offset` of the tensor's data is where the error must point.
void expect_bad_data(const ModelFile& model, const std::string& name, uint64_t offset,
                     const std::string& found, const std::string& expected) {
  const uint64_t start = model.file().data_offset + model.file().find_tensor(name)->offset;
  expect_refused(model, {Code::bad_data, name, found, expected, start + offset});
}

struct BadScalar {
  const char* test;
  const char* type;
  uint32_t bits;
  const char* found;
};
class NonFiniteScalar : public testing::TestWithParam<BadScalar> {};
TEST_P(NonFiniteScalar, IsRefusedWithElementAndBits) {
  const BadScalar& bad = GetParam();
  ModelFile model;
  const std::string name = "blk.1.ffn_up.weight";
  model.retype(name, bad.type);
  const size_t size = model.tensor(name).type->block_bytes;
  std::memcpy(model.data(name) + 77 * size, &bad.bits, size);
  expect_bad_data(model, name, 77 * size, cat("element 77 (", bad.type, ") holds ", bad.found),
                  "a finite value");
}
INSTANTIATE_TEST_SUITE_P(Value, NonFiniteScalar,
                         testing::Values(BadScalar{"F32Infinite", "F32", 0x7F800000, "0x7f800000"},
                                         BadScalar{"F32NegativeInfinite", "F32", 0xFF800000, "0xff800000"},
                                         BadScalar{"F32NaN", "F32", 0x7F800001, "0x7f800001"},
                                         BadScalar{"F16Infinite", "F16", 0x7C00, "0x7c00"},
                                         BadScalar{"F16NaN", "F16", 0xFE01, "0xfe01"},
                                         BadScalar{"BF16Infinite", "BF16", 0x7F80, "0x7f80"},
                                         BadScalar{"BF16NaN", "BF16", 0xFFC0, "0xffc0"}),
                         [](const auto& each) { return std::string(each.param.test); });

struct Scale {
  const char* test;
  const char* type;
  size_t offset;  // of the scale in the block; docs/formats.md, sections 4 and 5
};
class BlockScale : public testing::TestWithParam<Scale> {
 protected:
  BlockScale() {
    model_.set("qwen2.feed_forward_length", uint32_t{512});  // a row that every block fits
    for (const char* layer : {"blk.0.", "blk.1."}) {
      model_.reshape(cat(layer, "ffn_gate.weight"), {64, 512});
      model_.reshape(cat(layer, "ffn_up.weight"), {64, 512});
      model_.reshape(cat(layer, "ffn_down.weight"), {512, 64});
    }
    model_.retype(name_, GetParam().type);
  }
  void put_in_block_5(uint16_t bits) {
    const quant::TensorType& type = *model_.tensor(name_).type;
    put(model_, name_, 5 * type.block_bytes + GetParam().offset, bits);
  }
  const std::string name_ = "blk.1.ffn_down.weight";
  ModelFile model_;
};
INSTANTIATE_TEST_SUITE_P(
    Type, BlockScale,
    testing::Values(Scale{"Q4_0", "Q4_0", 0}, Scale{"Q4_1_d", "Q4_1", 0}, Scale{"Q4_1_m", "Q4_1", 2},
                    Scale{"Q5_0", "Q5_0", 0}, Scale{"Q5_1_d", "Q5_1", 0}, Scale{"Q5_1_m", "Q5_1", 2},
                    Scale{"Q8_0", "Q8_0", 0}, Scale{"Q2_K_d", "Q2_K", 80}, Scale{"Q2_K_dmin", "Q2_K", 82},
                    Scale{"Q3_K", "Q3_K", 108}, Scale{"Q4_K_d", "Q4_K", 0}, Scale{"Q4_K_dmin", "Q4_K", 2},
                    Scale{"Q5_K_d", "Q5_K", 0}, Scale{"Q5_K_dmin", "Q5_K", 2}, Scale{"Q6_K", "Q6_K", 208}),
    [](const auto& each) { return std::string(each.param.test); });

TEST_P(BlockScale, ThatIsNotFiniteIsRefusedWithBlockByteAndBits) {
  const uint64_t offset = 5 * model_.tensor(name_).type->block_bytes + GetParam().offset;
  for (const auto& [bits, text] : {std::pair<uint16_t, const char*>{0x7C00, "0x7c00"},
                                   {0xFC00, "0xfc00"},
                                   {0x7E00, "0x7e00"},
                                   {0x7C01, "0x7c01"}}) {
    put_in_block_5(bits);
    expect_bad_data(model_, name_, offset, cat("block 5 (", GetParam().type, ") holds ", text),
                    "a finite scale");
  }
}

TEST_P(BlockScale, ThatIsMinusZeroSubnormalOrLargestIsAccepted) {
  for (const uint16_t bits : std::to_array<uint16_t>({0x8000, 0x0001, 0x83FF, 0x7BFF, 0xFBFF})) {
    put_in_block_5(bits);
    EXPECT_TRUE(accept(model_.file())) << bits;
  }
}

TEST_P(BlockScale, OfABlockOfZerosIsAccepted) {
  const size_t size = model_.tensor(name_).type->block_bytes;
  std::memset(model_.data(name_) + 5 * size, 0, size);
  EXPECT_TRUE(accept(model_.file()));
}

TEST_P(BlockScale, InTheLastBlockIsLookedAt) {
  const gguf::Tensor& tensor = model_.tensor(name_);
  const size_t offset = tensor.data.size() - tensor.type->block_bytes + GetParam().offset;
  put(model_, name_, offset, uint16_t{0x7C00});
  EXPECT_FALSE(accept(model_.file()));
}

// A scale that is no half: the exponent 255 of MXFP4, and the float of Q8_K.
struct OtherScale {
  const char* type;
  uint32_t bits;
  const char* found;
};
class ScaleThatIsNoHalf : public testing::TestWithParam<OtherScale> {};
TEST_P(ScaleThatIsNoHalf, IsRefusedWithBlockByteAndBits) {
  const OtherScale& bad = GetParam();
  ModelFile model;
  model.set("qwen2.feed_forward_length", uint32_t{512});
  for (const char* layer : {"blk.0.", "blk.1."}) {
    model.reshape(cat(layer, "ffn_gate.weight"), {64, 512});
    model.reshape(cat(layer, "ffn_up.weight"), {64, 512});
    model.reshape(cat(layer, "ffn_down.weight"), {512, 64});
  }
  const std::string name = "blk.1.ffn_down.weight";
  model.retype(name, bad.type);
  const quant::TensorType& type = *model.tensor(name).type;
  ASSERT_TRUE(accept(model.file()));
  std::memcpy(model.data(name) + 5 * type.block_bytes, &bad.bits, type.scale_bytes);
  expect_bad_data(model, name, 5 * type.block_bytes, cat("block 5 (", bad.type, ") holds ", bad.found),
                  "a finite scale");
}
INSTANTIATE_TEST_SUITE_P(Bits, ScaleThatIsNoHalf,
                         testing::Values(OtherScale{"MXFP4", 0xFF, "0xff"},
                                         OtherScale{"Q8_K", 0x7F800000, "0x7f800000"},
                                         OtherScale{"Q8_K", 0xFFC00001, "0xffc00001"}),
                         [](const auto& each) { return cat(each.param.type, "_", each.param.bits); });

class ZeroBias : public testing::TestWithParam<const char*> {};
TEST_P(ZeroBias, IsRefused) {
  ModelFile model;
  const std::string name = GetParam();
  const gguf::Tensor& tensor = model.tensor(name);
  std::memset(model.data(name), 0, tensor.data.size());
  expect_bad_data(model, name, 0, cat("all ", tensor.elements(), " values are zero"),
                  "a trained bias, which qwen2 adds");
}
TEST_P(ZeroBias, WithOneOtherValueIsAccepted) {
  ModelFile model;
  std::memset(model.data(GetParam()), 0, model.tensor(GetParam()).data.size());
  put(model, GetParam(), 4 * 31, 0.5f);
  EXPECT_TRUE(accept(model.file()));
}
INSTANTIATE_TEST_SUITE_P(Name, ZeroBias,
                         testing::Values("blk.0.attn_q.bias", "blk.1.attn_k.bias", "blk.1.attn_v.bias"),
                         [](const auto& each) { return cat("N", each.index); });

}  // namespace
}  // namespace kigo::model
