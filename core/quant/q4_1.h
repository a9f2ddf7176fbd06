// Q4_1: 32 codes of four bits, one scale, one minimum.
#pragma once

#include "core/quant/block.h"

namespace kigo::quant {

struct Q4_1 {
  static constexpr std::string_view name = "Q4_1";
  static constexpr uint32_t gguf_id = 3;
  static constexpr int values = 32;
  struct Block {
    HalfBytes d;
    HalfBytes m;                 // added, where the minimums of the K formats are subtracted
    std::array<uint8_t, 16> qs;  // byte j: element j low, element j + 16 high
  };

  /// d * nibble + m
  static constexpr float value(const Block& block, int i) {
    const uint8_t byte = block.qs[static_cast<size_t>(i % 16)];
    const int nibble = i < 16 ? low_nibble(byte) : high_nibble(byte);
    return block.d.value() * static_cast<float>(nibble) + block.m.value();
  }
  static constexpr bool finite(const Block& block) { return block.d.finite() && block.m.finite(); }

  static void decode(const Block& block, float* out) {
    const float d = block.d.value();
    const float m = block.m.value();
    for (size_t j = 0; j < 16; ++j) {
      out[j] = d * static_cast<float>(low_nibble(block.qs[j])) + m;
      out[j + 16] = d * static_cast<float>(high_nibble(block.qs[j])) + m;
    }
  }
};
static_assert(sizeof(Q4_1::Block) == 20 && offsetof(Q4_1::Block, m) == 2 && offsetof(Q4_1::Block, qs) == 4);

}  // namespace kigo::quant
