// F32: an IEEE 754 binary32, little endian.
#pragma once

#include "core/quant/block.h"

namespace kigo::quant {

struct F32 {
  static constexpr std::string_view name = "F32";
  static constexpr uint32_t gguf_id = 0;
  static constexpr int values = 1;
  struct Block {
    std::array<uint8_t, 4> bytes;
  };

  static constexpr float value(const Block& block, int /*i*/) { return std::bit_cast<float>(bits(block)); }
  static constexpr bool finite(const Block& block) { return (bits(block) & 0x7F800000u) != 0x7F800000u; }
  static void decode(const Block& block, float* out) { *out = std::bit_cast<float>(block); }

 private:
  static constexpr uint32_t bits(const Block& block) {
    return block.bytes[0] | uint32_t{block.bytes[1]} << 8 | uint32_t{block.bytes[2]} << 16 |
           uint32_t{block.bytes[3]} << 24;
  }
};
static_assert(sizeof(F32::Block) == 4);

}  // namespace kigo::quant
