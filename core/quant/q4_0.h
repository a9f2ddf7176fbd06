// Q4_0: 32 codes of four bits around 8, one scale.
#pragma once

#include "core/quant/block.h"

namespace kigo::quant {

struct Q4_0 {
  static constexpr std::string_view name = "Q4_0";
  static constexpr uint32_t gguf_id = 2;
  static constexpr int values = 32;
  struct Block {
    HalfBytes d;                 // may be negative
    std::array<uint8_t, 16> qs;  // byte j: element j low, element j + 16 high
  };

  /// d * (nibble - 8)
  static constexpr float value(const Block& block, int i) {
    const uint8_t byte = block.qs[static_cast<size_t>(i % 16)];
    const int nibble = i < 16 ? low_nibble(byte) : high_nibble(byte);
    return block.d.value() * static_cast<float>(nibble - 8);
  }
  static constexpr bool finite(const Block& block) { return block.d.finite(); }

  static void decode(const Block& block, float* out) {
    const float d = block.d.value();
    for (size_t j = 0; j < 16; ++j) {
      out[j] = d * static_cast<float>(low_nibble(block.qs[j]) - 8);
      out[j + 16] = d * static_cast<float>(high_nibble(block.qs[j]) - 8);
    }
  }
};
static_assert(sizeof(Q4_0::Block) == 18 && offsetof(Q4_0::Block, qs) == 2);

}  // namespace kigo::quant
