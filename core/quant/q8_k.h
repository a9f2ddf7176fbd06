// Q8_K: 256 signed bytes, one scale in single precision, and sums of the codes. ggml's form of activations
// inside dot products; in a file it is odd, but defined.
#pragma once

#include "core/quant/block.h"

namespace kigo::quant {

struct Q8_K {
  static constexpr std::string_view name = "Q8_K";
  static constexpr uint32_t gguf_id = 15;
  static constexpr int values = 256;
  struct Block {
    FloatBytes d;
    std::array<int8_t, 256> qs;
    std::array<std::array<uint8_t, 2>, 16> bsums;  // int16: the sum of 16 codes each; no value needs them
  };

  /// d * qs[i], rounded once
  static constexpr float value(const Block& block, int i) {
    return block.d.value() * static_cast<float>(block.qs[static_cast<size_t>(i)]);
  }
  /// A float times a code may overflow, where a half cannot.
  static constexpr bool finite(const Block& block) {
    if (!block.d.finite()) return false;
    if ((block.d.bits() & 0x7FFFFFFFu) < 0x7C000000u) return true;  // below 2^121: 128 of them are finite
    for (int i = 0; i < values; ++i) {
      const float x = value(block, i);
      if (x - x != 0) return false;
    }
    return true;
  }

  static void decode(const Block& block, float* out) {
    const float d = block.d.value();
    for (size_t i = 0; i < 256; ++i) out[i] = d * static_cast<float>(block.qs[i]);
  }
};
static_assert(sizeof(Q8_K::Block) == 292 && offsetof(Q8_K::Block, qs) == 4 &&
              offsetof(Q8_K::Block, bsums) == 260);

}  // namespace kigo::quant
