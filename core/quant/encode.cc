#include "core/quant/encode.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/base/cat.h"
#include "core/quant/encode_block.h"

namespace kigo::quant {
namespace {

template <Format F>
Status encode_all(std::span<const float> values, std::byte* out) {
  for (size_t k = 0; k < values.size() / F::values; ++k) {
    typename F::Block block;
    const Status status = encode_block(values.subspan(k * F::values, F::values), block);
    if (!status) {
      const Error& error = status.error();
      return fail(error.code, cat(F::values > 1 ? "block " : "value ", k, " (", F::name, ")"), error.found,
                  error.expected);
    }
    std::memcpy(out + k * sizeof block, &block, sizeof block);
  }
  return {};
}

struct Row {
  uint32_t id;
  Status (*encode)(std::span<const float> values, std::byte* out);
};
template <Format... Formats>
struct Encodable {
  static constexpr std::array rows = std::to_array<Row>({{Formats::gguf_id, &encode_all<Formats>}...});
};

}  // namespace

Status encode(const TensorType& type, std::span<const float> values, std::span<std::byte> blocks) {
  constexpr auto& table = FormatList::into<Encodable>::rows;
  const auto row = std::ranges::find(table, type.id, &Row::id);
  if (row == table.end())
    return fail(Code::unsupported, "encode.type", std::string(type.name), "a type that decodes");
  if (values.size() % type.block_values != 0) {
    return fail(Code::bad_shape, "encode.values", cat(values.size(), " values"),
                cat("whole ", type.name, " blocks of ", type.block_values));
  }
  const size_t bytes = values.size() / type.block_values * type.block_bytes;
  if (blocks.size() != bytes)
    return fail(Code::bad_shape, "encode.blocks", cat(blocks.size(), " bytes"), cat(bytes, " bytes"));
  const auto bad = std::ranges::find_if(values, [](float x) { return !std::isfinite(x); });
  if (bad != values.end())
    return fail(Code::bad_value, cat("value ", bad - values.begin()), cat(*bad), "a finite value");
  return row->encode(values, blocks.data());
}

}  // namespace kigo::quant
