// F16: an IEEE 754 binary16, little endian.
#pragma once

#include "core/quant/block.h"

namespace kigo::quant {

struct F16 {
  static constexpr std::string_view name = "F16";
  static constexpr uint32_t gguf_id = 1;
  static constexpr int values = 1;
  struct Block {
    HalfBytes half;
  };

  static constexpr float value(const Block& block, int /*i*/) { return block.half.value(); }
  static constexpr bool finite(const Block& block) { return block.half.finite(); }

  /// Without branches, so that a row is decoded several values at a time. Exponent and mantissa moved into a
  /// float's place are the value times 2^-112, also for subnormals; the product is exact.
  static void decode(const Block& block, float* out) {
    const uint32_t bits = block.half.half().bits;
    const uint32_t magnitude = (bits & 0x7FFFu) << 13;
    const auto scaled = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112f);
    const uint32_t infinite = magnitude >= (0x7C00u << 13) ? 0x7F800000u : 0u;
    *out = std::bit_cast<float>(scaled | infinite | (bits & 0x8000u) << 16);
  }
};
static_assert(sizeof(F16::Block) == 2);

}  // namespace kigo::quant
