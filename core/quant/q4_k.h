// Q4_K: eight sub-blocks of 32 codes of four bits, each with a six-bit scale and a six-bit minimum.
#pragma once

#include "core/base/fault.h"
#include "core/quant/block.h"

namespace kigo::quant {

struct Q4_K {
  static constexpr std::string_view name = "Q4_K";
  static constexpr uint32_t gguf_id = 12;
  static constexpr int values = 256;
  struct Block {
    HalfBytes d;
    HalfBytes dmin;
    std::array<uint8_t, 12> scales;
    std::array<uint8_t, 128> qs;  // 32 bytes hold two sub-blocks: the even one low, the odd one high
  };

  /// Six-bit scale of sub-block b. Bytes 0-3 carry scales 0-3 and the upper two bits of scales 4-7, whose
  /// lower nibbles are in bytes 8-11.
  static constexpr int scale_of(const std::array<uint8_t, 12>& s, size_t b) {
    return b < 4 ? s[b] & 63 : low_nibble(s[b + 4]) | (s[b - 4] >> 6) << 4;
  }
  /// Six-bit minimum of sub-block b: bytes 4-7 and the upper nibbles of bytes 8-11, in the same way.
  static constexpr int minimum_of(const std::array<uint8_t, 12>& s, size_t b) {
    return b < 4 ? s[b + 4] & 63 : high_nibble(s[b + 4]) | (s[b] >> 6) << 4;
  }
  static constexpr int scale(const Block& block, size_t b) { return scale_of(block.scales, b); }
  static constexpr int minimum(const Block& block, size_t b) { return minimum_of(block.scales, b); }

  /// d * sc(b) * q - dmin * mn(b), b = i / 32
  static constexpr float value(const Block& block, int i) {
    const auto at = static_cast<size_t>(i);
    const size_t b = at / 32;
    const uint8_t byte = block.qs[at / 64 * 32 + at % 32];
    const int q = b % 2 == 0 ? low_nibble(byte) : high_nibble(byte);
    return block.d.value() * static_cast<float>(scale(block, b)) * static_cast<float>(q) -
           block.dmin.value() * static_cast<float>(minimum(block, b));
  }
  static constexpr bool finite(const Block& block) { return block.d.finite() && block.dmin.finite(); }

  static void decode(const Block& block, float* out) {
    const float d = block.d.value();
    const float dmin = KIGO_FAULT(F06B) ? -block.dmin.value() : block.dmin.value();
    const uint8_t* qs = block.qs.data();
    for (size_t b = 0; b < 8; b += 2, qs += 32, out += 64) {
      const size_t even = KIGO_FAULT(F56B) ? (b + 7) % 8 : b;
      const size_t odd = KIGO_FAULT(F56B) ? b : b + 1;
      const size_t swap = KIGO_FAULT(F57B) ? 1 : 0;
      const int low = b >= 4 && KIGO_FAULT(F07B) ? 15 : 63;  // bits of a scale
      const float even_scale = d * static_cast<float>(scale(block, even ^ swap) & low);
      const float even_minimum = dmin * static_cast<float>(minimum(block, even));
      const float odd_scale = d * static_cast<float>(scale(block, odd ^ swap) & low);
      const float odd_minimum = dmin * static_cast<float>(minimum(block, odd));
      const bool neighbours = KIGO_FAULT(F08B);
      for (size_t l = 0; l < 32; ++l) {
        out[neighbours ? 2 * l : l] = even_scale * static_cast<float>(low_nibble(qs[l])) - even_minimum;
        out[neighbours ? 2 * l + 1 : l + 32] =
            odd_scale * static_cast<float>(high_nibble(qs[l])) - odd_minimum;
      }
    }
    if (KIGO_FAULT(F59aB)) out[-1] = 0;
  }
};
static_assert(sizeof(Q4_K::Block) == 144 && offsetof(Q4_K::Block, dmin) == 2 &&
              offsetof(Q4_K::Block, scales) == 4 && offsetof(Q4_K::Block, qs) == 16);

}  // namespace kigo::quant
