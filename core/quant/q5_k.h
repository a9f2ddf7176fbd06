// Q5_K: eight sub-blocks of 32 codes of five bits, each with a six-bit scale and a six-bit minimum.
#pragma once

#include "core/quant/q4_k.h"

namespace kigo::quant {

struct Q5_K {
  static constexpr std::string_view name = "Q5_K";
  static constexpr uint32_t gguf_id = 13;
  static constexpr int values = 256;
  struct Block {
    HalfBytes d;
    HalfBytes dmin;
    std::array<uint8_t, 12> scales;  // packed as those of Q4_K
    std::array<uint8_t, 32> qh;      // bit b of byte l: fifth bit of element 32 b + l
    std::array<uint8_t, 128> qs;     // 32 bytes hold two sub-blocks: the even one low, the odd one high
  };

  static constexpr int scale(const Block& block, size_t b) { return Q4_K::scale_of(block.scales, b); }
  static constexpr int minimum(const Block& block, size_t b) { return Q4_K::minimum_of(block.scales, b); }

  /// d * sc(b) * (nibble + 16 * bit b of qh[l]) - dmin * mn(b), b = i / 32
  static constexpr float value(const Block& block, int i) {
    const auto at = static_cast<size_t>(i);
    const size_t b = at / 32, l = at % 32;
    const uint8_t byte = block.qs[at / 64 * 32 + l];
    const int nibble = b % 2 == 0 ? low_nibble(byte) : high_nibble(byte);
    const int q = nibble + 16 * ((block.qh[l] >> b) & 1);
    return block.d.value() * static_cast<float>(scale(block, b)) * static_cast<float>(q) -
           block.dmin.value() * static_cast<float>(minimum(block, b));
  }
  static constexpr bool finite(const Block& block) { return block.d.finite() && block.dmin.finite(); }

  static void decode(const Block& block, float* out) {
    const float d = block.d.value();
    const float dmin = block.dmin.value();
    const uint8_t* qs = block.qs.data();
    for (size_t b = 0; b < 8; b += 2, qs += 32, out += 64) {
      const float even_scale = d * static_cast<float>(scale(block, b));
      const float even_minimum = dmin * static_cast<float>(minimum(block, b));
      const float odd_scale = d * static_cast<float>(scale(block, b + 1));
      const float odd_minimum = dmin * static_cast<float>(minimum(block, b + 1));
      for (size_t l = 0; l < 32; ++l) {
        const int fifths = block.qh[l] >> b;
        out[l] = even_scale * static_cast<float>(low_nibble(qs[l]) | (fifths & 1) << 4) - even_minimum;
        out[l + 32] = odd_scale * static_cast<float>(high_nibble(qs[l]) | (fifths & 2) << 3) - odd_minimum;
      }
    }
  }
};
static_assert(sizeof(Q5_K::Block) == 176 && offsetof(Q5_K::Block, dmin) == 2 &&
              offsetof(Q5_K::Block, scales) == 4 && offsetof(Q5_K::Block, qh) == 16 &&
              offsetof(Q5_K::Block, qs) == 48);

}  // namespace kigo::quant
