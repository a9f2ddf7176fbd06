// MXFP4: 32 codes in the floating-point format E2M1, one power of two. Source: OCP Microscaling Formats (MX)
// v1.0, sections 5.2 and 5.3; exponents 0 and 255 as ggml takes them.
#pragma once

#include <algorithm>

#include "core/quant/block.h"

namespace kigo::quant {

struct MXFP4 {
  static constexpr std::string_view name = "MXFP4";
  static constexpr uint32_t gguf_id = 39;
  static constexpr int values = 32;
  struct Block {
    uint8_t e;                   // the exponent plus 127
    std::array<uint8_t, 16> qs;  // byte j: element j low, element j + 16 high
  };

  /// Twice the numbers of E2M1, which makes them whole; the other eight codes are these with a minus sign.
  static constexpr std::array<int, 8> kTwice{0, 1, 2, 3, 4, 6, 8, 12};

  /// 2^(e - 128), for e = 0 a subnormal: half the power, to go with twice the number. e = 255 stays finite.
  static constexpr float half_power(const Block& block) {
    return std::bit_cast<float>(block.e == 0   ? 0x00200000u
                                : block.e == 1 ? 0x00400000u
                                               : (block.e - 1u) << 23);
  }

  /// 2^(e - 127) * E[nibble], infinite where a float cannot hold it
  static constexpr float value(const Block& block, int i) {
    const uint8_t byte = block.qs[static_cast<size_t>(i % 16)];
    const int nibble = i < 16 ? low_nibble(byte) : high_nibble(byte);
    const int twice = kTwice[static_cast<size_t>(nibble & 7)];
    return half_power(block) * static_cast<float>(nibble < 8 ? twice : -twice);
  }
  /// The exponent 255 stands for a NaN in the standard; those of 253 and 254 overflow with large codes.
  static constexpr bool finite(const Block& block) {
    if (block.e < 253) return true;
    if (block.e == 255) return false;
    for (int i = 0; i < values; ++i) {
      const float x = value(block, i);
      if (x - x != 0) return false;
    }
    return true;
  }

  /// Twice the number without a table, so that several are made at a time: c, and what the steps of 2 and 4
  /// add to it from codes 4 and 6 on.
  static void decode(const Block& block, float* out) {
    const float scale = half_power(block);
    for (size_t j = 0; j < 16; ++j) {
      out[j] = scale * static_cast<float>(twice(low_nibble(block.qs[j])));
      out[j + 16] = scale * static_cast<float>(twice(high_nibble(block.qs[j])));
    }
  }

 private:
  static int twice(int nibble) {
    const int c = nibble & 7;
    const int number = c + std::max(c - 4, 0) + 2 * std::max(c - 6, 0);
    const int sign = -(nibble >> 3);  // 0 or all ones
    return (number ^ sign) - sign;
  }
};
static_assert(sizeof(MXFP4::Block) == 17 && offsetof(MXFP4::Block, qs) == 1);

}  // namespace kigo::quant
