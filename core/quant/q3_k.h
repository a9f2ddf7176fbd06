// Q3_K: sixteen sub-blocks of 16 codes of three bits around 4, each with a six-bit scale around 32.
#pragma once

#include "core/quant/block.h"

namespace kigo::quant {

struct Q3_K {
  static constexpr std::string_view name = "Q3_K";
  static constexpr uint32_t gguf_id = 11;
  static constexpr int values = 256;
  struct Block {
    std::array<uint8_t, 32> hmask;  // bit k of byte l: third bit of element 32 k + l
    std::array<uint8_t, 64> qs;  // lower two bits; 32 bytes to a half of the block, four elements to a byte
    std::array<uint8_t, 12> scales;  // see scale()
    HalfBytes d;
  };

  /// Six-bit scale of sub-block b, stored plus 32. The lower four bits of the sixteen are the low nibbles of
  /// bytes 0-7, then their high nibbles; bytes 8-11 have the upper two bits, those of four sub-blocks each.
  static constexpr int scale(const Block& block, size_t b) {
    const auto& s = block.scales;
    const int lower = b < 8 ? low_nibble(s[b]) : high_nibble(s[b - 8]);
    const int upper = (s[8 + b % 4] >> (b / 4 * 2)) & 3;
    return (lower | upper << 4) - 32;
  }

  /// d * (sc(b) - 32) * q, b = i / 16; q is less by 4 unless the third bit is set; g is the half of the
  /// block, s the stripe of 32 in it, l the place there
  static constexpr float value(const Block& block, int i) {
    const auto at = static_cast<size_t>(i);
    const size_t g = at / 128, s = at % 128 / 32, l = at % 32;
    const int lower = (block.qs[32 * g + l] >> (2 * s)) & 3;
    const int third = (block.hmask[l] >> (4 * g + s)) & 1;
    return block.d.value() * static_cast<float>(scale(block, at / 16)) *
           static_cast<float>(third != 0 ? lower : lower - 4);
  }
  static constexpr bool finite(const Block& block) { return block.d.finite(); }

  static void decode(const Block& block, float* out) {
    const float d = block.d.value();
    for (size_t b = 0; b < 16; ++b, out += 16) {
      const uint8_t* qs = block.qs.data() + 32 * (b / 8) + 16 * (b % 2);
      const uint8_t* thirds = block.hmask.data() + 16 * (b % 2);
      const size_t stripe = b / 2, shift = stripe % 4 * 2;
      const float own = d * static_cast<float>(scale(block, b));
      for (size_t l = 0; l < 16; ++l)
        out[l] = own * static_cast<float>((((qs[l] >> shift) & 3) | ((thirds[l] >> stripe) & 1) << 2) - 4);
    }
  }
};
static_assert(sizeof(Q3_K::Block) == 110 && offsetof(Q3_K::Block, qs) == 32 &&
              offsetof(Q3_K::Block, scales) == 96 && offsetof(Q3_K::Block, d) == 108);

}  // namespace kigo::quant
