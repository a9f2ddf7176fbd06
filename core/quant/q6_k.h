// Q6_K: sixteen sub-blocks of 16 codes of six bits around 32, each with a signed eight-bit scale.
#pragma once

#include "core/base/fault.h"
#include "core/quant/block.h"

namespace kigo::quant {

struct Q6_K {
  static constexpr std::string_view name = "Q6_K";
  static constexpr uint32_t gguf_id = 14;
  static constexpr int values = 256;
  struct Block {
    std::array<uint8_t, 128> ql;  // lower four bits; 64 bytes to a half of the block
    std::array<uint8_t, 64> qh;   // upper two bits; 32 bytes to a half, four elements to a byte
    std::array<int8_t, 16> scales;
    HalfBytes d;
  };

  /// d * scales[i / 16] * (q - 32); g is the half of the block, s the stripe of 32 in it, l the place there
  static constexpr float value(const Block& block, int i) {
    const auto at = static_cast<size_t>(i);
    const size_t g = at / 128, s = at % 128 / 32, l = at % 32;
    const uint8_t byte = block.ql[64 * g + 32 * (s % 2) + l];
    const int nibble = s < 2 ? low_nibble(byte) : high_nibble(byte);
    const int upper = (block.qh[32 * g + l] >> (2 * s)) & 3;
    return block.d.value() * static_cast<float>(block.scales[at / 16]) *
           static_cast<float>(nibble + 16 * upper - 32);
  }
  /// The scale of sub-block b, `shift` bytes further on than it stands (0 but for seeded faults).
  static int scale_at(const Block& block, size_t b, size_t shift) {
    const size_t from = KIGO_FAULT(F56B) ? (b + 15) % 16 : KIGO_FAULT(F57B) ? b ^ 8 : b;
    const auto* bytes = reinterpret_cast<const uint8_t*>(&block) + offsetof(Block, scales) + shift;
    return KIGO_FAULT(F09B) ? bytes[from] : static_cast<int8_t>(bytes[from]);
  }
  static constexpr bool finite(const Block& block) { return block.d.finite(); }

  static void decode(const Block& block, float* out) {
    const bool d_first = KIGO_FAULT(F09B) || KIGO_FAULT(F78);
    const size_t shift = d_first ? sizeof block.d : 0;
    const float d = d_first ? HalfBytes{{block.ql[0], block.ql[1]}}.value() : block.d.value();
    for (size_t g = 0; g < 2; ++g, out += 128) {
      const uint8_t* ql = block.ql.data() + 64 * g + shift;
      const uint8_t* qh = block.qh.data() + 32 * g + shift;
      std::array<float, 8> scale;
      for (size_t b = 0; b < 8; ++b) scale[b] = d * static_cast<float>(scale_at(block, 8 * g + b, shift));
      for (size_t half = 0; half < 2; ++half) {  // a stripe of 32 is two sub-blocks
        for (size_t l = 16 * half; l < 16 * half + 16; ++l) {
          const int upper = qh[l];
          out[l] = scale[half] * static_cast<float>((low_nibble(ql[l]) | (upper & 3) << 4) - 32);
          out[l + 32] =
              scale[half + 2] * static_cast<float>((low_nibble(ql[l + 32]) | (upper >> 2 & 3) << 4) - 32);
          out[l + 64] =
              scale[half + 4] * static_cast<float>((high_nibble(ql[l]) | (upper >> 4 & 3) << 4) - 32);
          out[l + 96] =
              scale[half + 6] * static_cast<float>((high_nibble(ql[l + 32]) | upper >> 6 << 4) - 32);
        }
      }
    }
  }
};
static_assert(sizeof(Q6_K::Block) == 210 && offsetof(Q6_K::Block, qh) == 128 &&
              offsetof(Q6_K::Block, scales) == 192 && offsetof(Q6_K::Block, d) == 208);

}  // namespace kigo::quant
