// The row decoders against golden/blocks: ten thousand pseudo-random blocks of each format, decoded by
// gguf-py and by ggml (golden/make/blocks.py), as hashes over all values and as samples.
#include <gtest/gtest.h>

#include <charconv>
#include <string>
#include <vector>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/base/json.h"
#include "core/quant/tensor_type.h"
#include "tests/core/quant/judge.h"

namespace kigo::quant {
namespace {

uint64_t hex_number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  EXPECT_TRUE(error == std::errc() && end == text.data() + text.size()) << text;
  return value;
}

class GoldenBlocks : public testing::TestWithParam<const TensorType*> {
 protected:
  void SetUp() override {
    std::string file(GetParam()->name);
    for (char& c : file) c = static_cast<char>(std::tolower(c));
    const std::string path = cat(KIGO_SOURCE_DIR "/golden/blocks/", file, ".json");
    const auto text = read_text_file(path);
    ASSERT_TRUE(text) << text.error().message();
    auto json = Json::parse(*text, path);
    ASSERT_TRUE(json) << json.error().message();
    golden_ = std::move(*json);
    ASSERT_EQ(integer("gguf_id"), GetParam()->id);
    ASSERT_EQ(integer("values"), GetParam()->block_values);
    ASSERT_EQ(integer("bytes"), GetParam()->block_bytes);
    ASSERT_GE(integer("count"), 10'000);
    blocks_ = compare::stream_bytes(hex_number(text_of("seed")),
                                    static_cast<size_t>(integer("count")) * GetParam()->block_bytes);
  }

  int64_t integer(std::string_view key) const { return golden_.find(key)->integer().value(); }
  const std::string& text_of(std::string_view key) const { return *golden_.find(key)->string(); }

  std::vector<float> decode(std::span<const std::byte> bytes) const {
    std::vector<float> values(bytes.size() / GetParam()->block_bytes * GetParam()->block_values);
    GetParam()->decode(bytes.data(), static_cast<int64_t>(values.size()), values.data());
    return values;
  }

  Json golden_;
  std::vector<std::byte> blocks_;
};

TEST_P(GoldenBlocks, GiveTheSameBitsInEverySample) {
  const auto& samples = *golden_.find("samples")->items();
  ASSERT_GE(samples.size(), 16u);
  for (const Json& sample : samples) {
    const auto block = static_cast<size_t>(sample.find("block")->integer().value());
    const auto bytes = std::span(blocks_).subspan(block * GetParam()->block_bytes, GetParam()->block_bytes);
    const std::string& hex = *sample.find("bytes")->string();
    for (size_t k = 0; k < bytes.size(); ++k) ASSERT_EQ(std::to_integer<uint8_t>(bytes[k]), hex_byte(hex, k));
    const std::string& bits = *sample.find("bits")->string();  // eight digits and a space for each value
    const std::vector<float> values = decode(bytes);
    ASSERT_EQ(bits.size(), 9 * values.size() - 1);
    for (size_t i = 0; i < values.size(); ++i)
      ASSERT_EQ(canonical_bits(values[i]), hex_number(std::string_view(bits).substr(9 * i, 8)))
          << "block " << block << ", element " << i;
  }
}

TEST_P(GoldenBlocks, GiveTheSameHashOverAllBlocks) {
  const std::vector<float> values = decode(blocks_);
  const auto group = static_cast<size_t>(integer("group")) * GetParam()->block_values;
  const auto& hashes = *golden_.find("group_fnv")->items();
  ASSERT_EQ(hashes.size() * group, values.size());
  for (size_t k = 0; k < hashes.size(); ++k)  // narrows a difference down
    EXPECT_EQ(fnv1a(std::span(values).subspan(k * group, group)), hex_number(*hashes[k].string()))
        << "group " << k;
  EXPECT_EQ(fnv1a(values), hex_number(text_of("fnv")));
}

std::string type_name(const testing::TestParamInfo<const TensorType*>& instance) {
  return std::string(instance.param->name);
}

/// Every format but F32, whose four bytes are the value.
std::vector<const TensorType*> golden_types() {
  std::vector<const TensorType*> types;
  for (const TensorType& type : tensor_types()) {
    if (type.decode != nullptr && type.id != F32::gguf_id) types.push_back(&type);
  }
  return types;
}
INSTANTIATE_TEST_SUITE_P(Of, GoldenBlocks, testing::ValuesIn(golden_types()), type_name);

using GoldenScalars = GoldenBlocks;
TEST_P(GoldenScalars, GiveTheSameHashOverAllPatterns) {
  std::vector<std::byte> patterns;
  for (uint32_t pattern = 0; pattern < 65536; ++pattern) {
    patterns.push_back(static_cast<std::byte>(pattern));
    patterns.push_back(static_cast<std::byte>(pattern >> 8));
  }
  EXPECT_EQ(fnv1a(decode(patterns)), hex_number(text_of("every_pattern_fnv")));
}
INSTANTIATE_TEST_SUITE_P(Of, GoldenScalars,
                         testing::Values(find_tensor_type(F16::gguf_id), find_tensor_type(BF16::gguf_id)),
                         type_name);

}  // namespace
}  // namespace kigo::quant
