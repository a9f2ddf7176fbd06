// BF16: the upper half of an IEEE 754 binary32, little endian.
#pragma once

#include "core/quant/block.h"

namespace kigo::quant {

struct BF16 {
  static constexpr std::string_view name = "BF16";
  static constexpr uint32_t gguf_id = 30;
  static constexpr int values = 1;
  struct Block {
    std::array<uint8_t, 2> bytes;
  };

  static constexpr float value(const Block& block, int /*i*/) { return to_float(bf16{bits(block)}); }
  static constexpr bool finite(const Block& block) { return (bits(block) & 0x7F80u) != 0x7F80u; }
  static void decode(const Block& block, float* out) { *out = value(block, 0); }

 private:
  static constexpr uint16_t bits(const Block& block) {
    return static_cast<uint16_t>(block.bytes[0] | (block.bytes[1] << 8));
  }
};
static_assert(sizeof(BF16::Block) == 2);

}  // namespace kigo::quant
