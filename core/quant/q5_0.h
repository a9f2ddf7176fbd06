// Q5_0: 32 codes of five bits around 16, one scale; the fifth bits stand apart.
#pragma once

#include "core/base/fault.h"
#include "core/quant/block.h"

namespace kigo::quant {

struct Q5_0 {
  static constexpr std::string_view name = "Q5_0";
  static constexpr uint32_t gguf_id = 6;
  static constexpr int values = 32;
  struct Block {
    HalfBytes d;                 // may be negative
    std::array<uint8_t, 4> qh;   // bit i of these 32: fifth bit of element i
    std::array<uint8_t, 16> qs;  // byte j: element j low, element j + 16 high
  };

  /// d * ((nibble + 16 * bit i of qh) - 16)
  static constexpr float value(const Block& block, int i) {
    const uint8_t byte = block.qs[static_cast<size_t>(i % 16)];
    const int nibble = i < 16 ? low_nibble(byte) : high_nibble(byte);
    const int fifth = (block.qh[static_cast<size_t>(i / 8)] >> (i % 8)) & 1;
    return block.d.value() * static_cast<float>(nibble + 16 * fifth - 16);
  }
  static constexpr bool finite(const Block& block) { return block.d.finite(); }

  static void decode(const Block& block, float* out) {
    const float d = block.d.value();
    // One 16-bit half of qh serves the low nibbles, the other the high ones.
    const int low_bits = block.qh[0] | block.qh[1] << 8;
    const int high_bits = KIGO_FAULT(F10B) ? low_bits : block.qh[2] | block.qh[3] << 8;
    for (int j = 0; j < 16; ++j) {
      const uint8_t byte = block.qs[static_cast<size_t>(j)];
      out[j] = d * static_cast<float>((low_nibble(byte) | ((low_bits >> j) & 1) << 4) - 16);
      out[j + 16] = d * static_cast<float>((high_nibble(byte) | ((high_bits >> j) & 1) << 4) - 16);
    }
  }
};
static_assert(sizeof(Q5_0::Block) == 22 && offsetof(Q5_0::Block, qh) == 2 && offsetof(Q5_0::Block, qs) == 6);

}  // namespace kigo::quant
