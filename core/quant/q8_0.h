// Q8_0: 32 signed bytes, one scale.
#pragma once

#include "core/quant/block.h"

namespace kigo::quant {

struct Q8_0 {
  static constexpr std::string_view name = "Q8_0";
  static constexpr uint32_t gguf_id = 8;
  static constexpr int values = 32;
  struct Block {
    HalfBytes d;
    std::array<int8_t, 32> qs;
  };

  /// d * qs[i]
  static constexpr float value(const Block& block, int i) {
    return block.d.value() * static_cast<float>(block.qs[static_cast<size_t>(i)]);
  }
  static constexpr bool finite(const Block& block) { return block.d.finite(); }

  static void decode(const Block& block, float* out) {
    const float d = block.d.value();
    for (size_t i = 0; i < 32; ++i) out[i] = d * static_cast<float>(block.qs[i]);
  }
};
static_assert(sizeof(Q8_0::Block) == 34 && offsetof(Q8_0::Block, qs) == 2);

}  // namespace kigo::quant
