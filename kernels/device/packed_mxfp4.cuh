// MXFP4, packed: 32 codes whose numbers are no straight line.
#pragma once

#include "kernels/device/packed_unit.cuh"

namespace kigo::kernels::device::packed {

/// Codes of four bits in E2M1. Planes: 16 bytes of nibbles, the exponent. Twice the numbers are whole, -12 to
/// 12; they are looked up plus 12, which a byte permutation does for four at a time.
struct MXFP4 : Grouped<MXFP4, 1, false, 12> {
  static constexpr uint32_t id = 39;
  static constexpr int run = 16;
  static constexpr int zero = 12;
  struct Raw {
    uint4 nibbles;
    uint32_t e;
  };
  static __device__ Raw load(const Planes& planes, int64_t row, int unit) {
    const uint32_t block = unit_index(planes, row, unit);
    return {load_streamed16(planes.plane[0] + uint64_t{16} * block),
            load_shared_by_lanes<uint8_t>(planes.plane[1] + block)};
  }
  static __host__ __device__ constexpr int position(int unit, int i) { return kUnit * unit + i; }

  /// Bytes of the eight that `low` and `high` hold, chosen by four nibbles. A nibble with its upper bit set
  /// repeats the sign of the byte that its other bits choose: 0 here, where no byte reaches 128.
  static __device__ uint32_t chosen(uint32_t low, uint32_t high, uint32_t nibbles) {
    uint32_t bytes;
    asm("prmt.b32 %0, %1, %2, %3;" : "=r"(bytes) : "r"(low), "r"(high), "r"(nibbles));
    return bytes;
  }
  /// Of codes 0 to 7: 12 plus 0 1 2 3 4 6 8 12; of 8 to 15: 12 minus them.
  static __device__ uint32_t numbers(uint32_t nibbles) {
    return chosen(0x0F0E0D0Cu, 0x18141210u, nibbles) | chosen(0x090A0B0Cu, 0x00040608u, nibbles ^ 0x8888u);
  }
  static __device__ void codes(const Raw& raw, uint32_t (&q)[kUnit / 4]) {
    const uint32_t words[4] = {raw.nibbles.x, raw.nibbles.y, raw.nibbles.z, raw.nibbles.w};
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      // Low and high nibbles of two bytes take turns.
      const uint32_t first = numbers(words[k]), second = numbers(words[k] >> 16);
      q[k] = __byte_perm(first, second, 0x6420);
      q[4 + k] = __byte_perm(first, second, 0x7531);
    }
  }
  /// Half the power, 2^(e - 128), to go with twice the number; subnormal for e = 0 and 1.
  static __device__ void scales(const Raw& raw, float (&scale)[1], float (&)[1]) {
    scale[0] = __uint_as_float(raw.e < 2 ? 0x00200000u << raw.e : (raw.e - 1) << 23);
  }
};

}  // namespace kigo::kernels::device::packed
