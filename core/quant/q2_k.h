// Q2_K: sixteen sub-blocks of 16 codes of two bits, each with a four-bit scale and a four-bit minimum.
#pragma once

#include "core/quant/block.h"

namespace kigo::quant {

struct Q2_K {
  static constexpr std::string_view name = "Q2_K";
  static constexpr uint32_t gguf_id = 10;
  static constexpr int values = 256;
  struct Block {
    std::array<uint8_t, 16> scales;  // low nibble: scale, high nibble: minimum
    std::array<uint8_t, 64> qs;      // 32 bytes to a half of the block, four elements to a byte
    HalfBytes d;
    HalfBytes dmin;
  };

  /// d * low(scales[b]) * q - dmin * high(scales[b]), b = i / 16; g is the half of the block, s the stripe of
  /// 32 in it, l the place there
  static constexpr float value(const Block& block, int i) {
    const auto at = static_cast<size_t>(i);
    const size_t g = at / 128, s = at % 128 / 32, l = at % 32;
    const uint8_t scales = block.scales[at / 16];
    const int q = (block.qs[32 * g + l] >> (2 * s)) & 3;
    return block.d.value() * static_cast<float>(low_nibble(scales)) * static_cast<float>(q) -
           block.dmin.value() * static_cast<float>(high_nibble(scales));
  }
  static constexpr bool finite(const Block& block) { return block.d.finite() && block.dmin.finite(); }

  static void decode(const Block& block, float* out) {
    const float d = block.d.value();
    const float dmin = block.dmin.value();
    for (size_t b = 0; b < 16; ++b, out += 16) {
      const uint8_t* qs = block.qs.data() + 32 * (b / 8) + 16 * (b % 2);
      const size_t shift = b % 8 / 2 * 2;
      const float scale = d * static_cast<float>(low_nibble(block.scales[b]));
      const float minimum = dmin * static_cast<float>(high_nibble(block.scales[b]));
      for (size_t l = 0; l < 16; ++l) out[l] = scale * static_cast<float>((qs[l] >> shift) & 3) - minimum;
    }
  }
};
static_assert(sizeof(Q2_K::Block) == 84 && offsetof(Q2_K::Block, qs) == 16 &&
              offsetof(Q2_K::Block, d) == 80 && offsetof(Q2_K::Block, dmin) == 82);

}  // namespace kigo::quant
