// Weights that were loaded or decoded wrong: the side runs on a file with other bytes, and the report names
// the mistake that reproduces what it computes.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <functional>

#include "core/base/file_map.h"
#include "reference/model.h"
#include "tests/tools/compare/named.h"
#include "tools/lib/goldens.h"

namespace kigo::test {
namespace {

using model::Role;

struct WrongBytes {
  std::string name;
  std::string file;
  std::string tensor;
  std::string place;
  std::string cause;
  std::function<void(std::span<std::byte>, const gguf::Tensor&)> change;
};
void PrintTo(const WrongBytes& wrong, std::ostream* out) { *out << wrong.name; }

class CausesInWeights : public testing::TestWithParam<WrongBytes> {};

TEST_P(CausesInWeights, AreNamedByMakingTheMistake) {
  const std::string path = tools::golden_folder() + GetParam().file;
  const model::Model right_model = *model::open(path);
  const std::span<const std::byte> bytes = right_model.source.map.bytes();
  std::vector<std::byte> copy(bytes.begin(), bytes.end());
  const gguf::Tensor* tensor = nullptr;
  for (const gguf::Tensor* one : right_model.weights.all())
    if (one->name == GetParam().tensor) tensor = one;
  ASSERT_NE(tensor, nullptr);
  const auto at = static_cast<size_t>(tensor->data.data() - bytes.data());
  GetParam().change(std::span(copy).subspan(at, tensor->data.size()), *tensor);
  const std::string changed =
      (std::filesystem::temp_directory_path() / ("kigo-causes-" + GetParam().name + ".gguf")).string();
  ASSERT_TRUE(write_file(changed, copy));
  const auto wrong_model = model::open(changed);
  std::filesystem::remove(changed);
  ASSERT_TRUE(wrong_model) << wrong_model.error().message();
  reference::Session right(right_model), wrong(*wrong_model);
  const auto report = tools::compare_sides(right_model, {.name = "reference", .session = &right},
                                           {.name = "b", .session = &wrong},
                                           some_calls(right_model.config.vocab), {.carried = false});
  ASSERT_TRUE(report) << report.error().message();
  expect_named(*report, GetParam().place, GetParam().cause);
}

uint8_t byte(std::byte value) { return std::to_integer<uint8_t>(value); }

std::vector<WrongBytes> wrong_bytes() {
  return {
      // Q4_K: 144 bytes, codes from byte 16 on, 32 bytes to two sub-blocks (docs/formats.md).
      {"nibbles_as_neighbours", "/tiny/tiny-q4_k.gguf", "blk.0.ffn_gate.weight", "blk.0.ffn_gate, position 0",
       "nibble-order",
       [](std::span<std::byte> data, const gguf::Tensor&) {
         for (size_t block = 0; block < data.size(); block += 144)
           for (size_t run = block + 16; run < block + 144; run += 32) {
             std::array<uint8_t, 64> codes{};
             for (size_t i = 0; i < 32; ++i) {
               codes[2 * i] = byte(data[run + i]) & 15;
               codes[2 * i + 1] = static_cast<uint8_t>(byte(data[run + i]) >> 4);
             }
             for (size_t i = 0; i < 32; ++i)
               data[run + i] = static_cast<std::byte>(codes[i] | codes[i + 32] << 4);
           }
       }},
      // Q6_K: 210 bytes, sixteen scales from byte 192 on.
      {"scale_before", "/tiny/tiny-q6_k.gguf", "blk.0.attn_output.weight", "blk.0.attn_out, position 0",
       "scale-index",
       [](std::span<std::byte> data, const gguf::Tensor&) {
         for (size_t block = 0; block < data.size(); block += 210) {
           const std::byte last = data[block + 207];
           std::memmove(&data[block + 193], &data[block + 192], 15);
           data[block + 192] = last;
         }
       }},
      {"d_of_the_block_before", "/tiny/tiny-q4_k.gguf", "blk.0.attn_q.weight", "blk.0.attn_q, position 0",
       "scale-index",
       [](std::span<std::byte> data, const gguf::Tensor&) {
         std::array<std::byte, 2> before{data[0], data[1]};
         for (size_t block = 0; block < data.size(); block += 144)
           for (size_t i = 0; i < 2; ++i) std::swap(before[i], data[block + i]);
       }},
      {"transposed", "/tiny/tiny-f16.gguf", "blk.0.attn_q.weight", "blk.0.attn_q, position 0", "transposed",
       [](std::span<std::byte> data, const gguf::Tensor& tensor) {
         const size_t in = tensor.dims[0], out = tensor.dims[1];
         const std::vector<std::byte> old(data.begin(), data.end());
         for (size_t j = 0; j < out; ++j)
           for (size_t i = 0; i < in; ++i) std::memcpy(&data[2 * (j * in + i)], &old[2 * (i * out + j)], 2);
       }},
      {"gate_for_up", "/tiny/llama-f16.gguf", "blk.1.ffn_up.weight", "blk.1.ffn_up, position 0",
       "other-tensor",
       [](std::span<std::byte> data, const gguf::Tensor&) {
         const model::Model model = *model::open(tools::golden_folder() + "/tiny/llama-f16.gguf");
         std::ranges::copy(model.weights.find(Role::ffn_gate, 1)->data, data.begin());
       }},
  };
}
INSTANTIATE_TEST_SUITE_P(Each, CausesInWeights, testing::ValuesIn(wrong_bytes()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace kigo::test
