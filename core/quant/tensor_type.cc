#include "core/quant/tensor_type.h"

#include <algorithm>
#include <array>

#include "core/quant/formats.h"

namespace kigo::quant {
namespace {

/// Types that kigo can step over but not decode.
constexpr std::array kKnownBySize = std::to_array<TensorType>({
    {9, "Q8_1", 32, 36},      {16, "IQ2_XXS", 256, 66}, {17, "IQ2_XS", 256, 74}, {18, "IQ3_XXS", 256, 98},
    {19, "IQ1_S", 256, 50},   {20, "IQ4_NL", 32, 18},   {21, "IQ3_S", 256, 110}, {22, "IQ2_S", 256, 82},
    {23, "IQ4_XS", 256, 136}, {24, "I8", 1, 1},         {25, "I16", 1, 2},       {26, "I32", 1, 4},
    {27, "I64", 1, 8},        {28, "F64", 1, 8},        {29, "IQ1_M", 256, 56},  {34, "TQ1_0", 256, 54},
    {35, "TQ2_0", 256, 66},   {40, "NVFP4", 64, 36},    {41, "Q1_0", 128, 18},   {42, "Q2_0", 64, 18},
});

template <Format F>
bool block_is_finite(const std::byte* block) {
  return F::finite(load_block<F>(block));
}

template <Format F>
constexpr uint32_t scale_bytes() {
  if constexpr (requires(typename F::Block b) { b.d; }) {
    return sizeof(F::Block::d);
  } else if constexpr (requires(typename F::Block b) { b.e; }) {
    return sizeof(F::Block::e);
  } else {
    static_assert(F::values == 1, "a block format whose scale is neither d nor e: say here how long it is");
    return sizeof(typename F::Block);
  }
}

template <Format... Formats>
struct Decodable {
  static constexpr std::array rows =
      std::to_array<TensorType>({{Formats::gguf_id, Formats::name, static_cast<uint32_t>(Formats::values),
                                  sizeof(typename Formats::Block), &decode_row<Formats>,
                                  &block_is_finite<Formats>, scale_bytes<Formats>()}...});
};

constexpr auto kTypes = [] {
  constexpr auto& decodable = FormatList::into<Decodable>::rows;
  std::array<TensorType, decodable.size() + kKnownBySize.size()> types{};
  std::ranges::copy(kKnownBySize, std::ranges::copy(decodable, types.begin()).out);
  std::ranges::sort(types, {}, &TensorType::id);
  return types;
}();
static_assert(std::ranges::adjacent_find(kTypes, {}, &TensorType::id) == kTypes.end(), "an id stands twice");

}  // namespace

std::span<const TensorType> tensor_types() { return kTypes; }

const TensorType* find_tensor_type(uint32_t id) {
  const auto at = std::ranges::find(kTypes, id, &TensorType::id);
  return at == kTypes.end() ? nullptr : &*at;
}

const TensorType* find_tensor_type(std::string_view name) {
  const auto at = std::ranges::find(kTypes, name, &TensorType::name);
  return at == kTypes.end() ? nullptr : &*at;
}

}  // namespace kigo::quant
