// Opening a model: the scan of its data, and all the checks in their order.
#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/cat.h"
#include "core/model/weights.h"

namespace kigo::model {
namespace {

struct BadField {
  uint64_t offset;   // in the block
  std::string bits;  // as a number, so upper byte first
};

std::string bits_of(std::span<const std::byte> bytes) {
  uint64_t number = 0;
  for (size_t i = bytes.size(); i-- > 0;) number = number << 8 | std::to_integer<uint64_t>(bytes[i]);
  return hex(number, static_cast<int>(2 * bytes.size()));
}

// Which field makes a block bad, without knowing its layout: the first one of a scale's length that turns a
// block of zeros bad when it alone is copied into it; the whole block where scale and codes do so together.
BadField find_field(const quant::TensorType& type, std::span<const std::byte> block) {
  const size_t size = type.scale_bytes;
  for (size_t at = 0; at + size <= block.size(); at += size) {
    std::vector<std::byte> zeros(block.size());
    std::memcpy(&zeros[at], &block[at], size);
    if (!type.finite(zeros.data())) return {at, bits_of(block.subspan(at, size))};
  }
  return {0, bits_of(block.first(std::min<size_t>(block.size(), 8)))};
}

Status check_values(const gguf::File& file, const gguf::Tensor& tensor) {
  const quant::TensorType& type = *tensor.type;
  const std::byte* const end = tensor.data.data() + tensor.data.size();
  for (const std::byte* block = tensor.data.data(); block != end; block += type.block_bytes) {
    if (type.finite(block)) continue;
    const auto start = static_cast<uint64_t>(block - tensor.data.data());
    const BadField field = find_field(type, {block, type.block_bytes});
    return fail(Code::bad_data, std::string(tensor.name),
                cat(type.block_values > 1 ? "block " : "element ", start / type.block_bytes, " (", type.name,
                    ") holds ", field.bits),
                type.block_values > 1 ? "a finite scale" : "a finite value",
                file.data_offset + tensor.offset + start + field.offset);
  }
  return {};
}

Status check_not_zero(const gguf::File& file, const gguf::Tensor& tensor, const Config& config) {
  if (std::ranges::any_of(tensor.data, [](std::byte byte) { return byte != std::byte{0}; })) return {};
  return fail(Code::bad_data, std::string(tensor.name), cat("all ", tensor.elements(), " values are zero"),
              cat("a trained bias, which ", config.architecture->name, " adds"),
              file.data_offset + tensor.offset);
}

Status check_above_zero(const gguf::File& file, const gguf::Tensor& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.elements()));
  tensor.type->decode(tensor.data.data(), static_cast<int64_t>(values.size()), values.data());
  const auto bad = std::ranges::find_if(values, [](float value) { return value <= 0; });
  if (bad == values.end()) return {};
  const auto index = static_cast<uint64_t>(bad - values.begin());
  return fail(Code::bad_data, std::string(tensor.name), cat("element ", index, " is ", *bad),
              "above 0: frequencies are divided by it",
              file.data_offset + tensor.offset + index * tensor.type->block_bytes);
}

}  // namespace

Status check_data(const gguf::File& file, const Config& config, const Weights& weights) {
  for (const gguf::Tensor* tensor : weights.all()) KIGO_TRY(check_values(file, *tensor));
  if (const gguf::Tensor* divisors = weights.find(Role::rope_freqs))
    KIGO_TRY(check_above_zero(file, *divisors));
  if (config.architecture->qkv_bias != Presence::required) return {};
  for (int64_t layer = 0; layer < config.layers; ++layer)
    for (const Role role : {Role::attn_q_bias, Role::attn_k_bias, Role::attn_v_bias})
      if (const gguf::Tensor* bias = weights.find(role, layer)) KIGO_TRY(check_not_zero(file, *bias, config));
  return {};
}

Result<Model> open(const std::string& path) {
  KIGO_ASSIGN(gguf::MappedFile source, gguf::open(path));
  KIGO_ASSIGN(Config config, read_config(source.file));
  KIGO_ASSIGN(Weights weights, find_weights(source.file, config));
  KIGO_TRY(check_data(source.file, config, weights));
  return Model{std::move(source), std::move(config), std::move(weights)};
}

}  // namespace kigo::model
