// Packed formats of 256 values a block whose codes have two or three bits.
#pragma once

#include "kernels/device/packed_unit.cuh"

namespace kigo::kernels::device::packed {

/// What Q2_K and Q3_K share. Unit 4g + p of a block has the values 128 g + 32 s + 8 p + 0..7 of the stripes
/// s = 0..3: stripe s has bits 2s and 2s + 1 of eight bytes.
struct FourStripes {
  static __host__ __device__ constexpr int position(int unit, int i) {
    return 128 * (unit / 4) + 8 * (unit % 4) + 32 * (i / 8) + i % 8;
  }
  static __device__ void pairs(const uint2& bytes, uint32_t (&q)[kUnit / 4]) {
#pragma unroll
    for (int s = 0; s < 4; ++s) {
      q[2 * s] = bytes.x >> (2 * s) & 0x03030303u;
      q[2 * s + 1] = bytes.y >> (2 * s) & 0x03030303u;
    }
  }
};

/// Two bits, scale and minimum of four bits for every 16 values. Planes: 8 bytes of codes a unit; 4 bytes of
/// scales for two units; d and dmin.
struct Q2_K : Grouped<Q2_K, 4, true, 3>, FourStripes {
  static constexpr uint32_t id = 10;
  static constexpr int run = 8;
  struct Raw {
    uint2 pairs;
    uint32_t scales;
    uint32_t header;
  };
  static __device__ Raw load(const Planes& planes, int64_t row, int unit) {
    const uint32_t at = unit_index(planes, row, unit);
    return {load_streamed8(planes.plane[0] + uint64_t{8} * at),
            load_shared_by_lanes<uint32_t>(planes.plane[1] + uint64_t{4} * (at / 2)),
            load_shared_by_lanes<uint32_t>(planes.plane[2] + uint64_t{4} * (at / 8))};
  }
  static __device__ void codes(const Raw& raw, uint32_t (&q)[kUnit / 4]) { pairs(raw.pairs, q); }
  static __device__ void scales(const Raw& raw, float (&scale)[4], float (&offset)[4]) {
    const float d = half_at(raw.header & 0xFFFFu), dmin = half_at(raw.header >> 16);
    bytes_to_floats(raw.scales & 0x0F0F0F0Fu, scale);
    bytes_to_floats(raw.scales >> 4 & 0x0F0F0F0Fu, offset);
#pragma unroll
    for (int s = 0; s < 4; ++s) {
      scale[s] *= d;
      offset[s] *= -dmin;
    }
  }
};

/// Three bits around 4, a scale of six bits around 32 for every 16 values. Planes: 8 bytes of lower bits a
/// unit; 32 bytes of third bits a block, of which units p and 4 + p take four bits each of the same 8; the 12
/// bytes of scales in the order of core/ops/packing.cc; d.
struct Q3_K : Grouped<Q3_K, 4, false, 4>, FourStripes {
  static constexpr uint32_t id = 11;
  static constexpr int run = 8;
  static constexpr int zero = 4;
  struct Raw {
    uint2 pairs;
    uint2 thirds;
    uint32_t lower;  // nibbles of the scales of the four stripes: low ones for g = 0, high ones for g = 1
    uint32_t upper;  // bits 4g, 4g + 1 and, of stripes 2 and 3, 4g + 2, 4g + 3 of two bytes
    uint32_t d;
    int unit;
  };
  static __device__ Raw load(const Planes& planes, int64_t row, int unit) {
    const uint32_t at = unit_index(planes, row, unit), block = at / 8, half = at / 2 % 2;
    const std::byte* scales = planes.plane[2] + uint64_t{12} * block;
    return {load_streamed8(planes.plane[0] + uint64_t{8} * at),
            load_shared_by_lanes<uint2>(planes.plane[1] + uint64_t{32} * block + 8 * (at % 4)),
            load_shared_by_lanes<uint32_t>(scales + 4 * half),
            load_shared_by_lanes<uint16_t>(scales + 8 + 2 * half),
            load_shared_by_lanes<uint16_t>(planes.plane[3] + uint64_t{2} * block),
            unit};
  }
  static __device__ void codes(const Raw& raw, uint32_t (&q)[kUnit / 4]) {
    const uint32_t shift = raw.unit & 4;
    const uint32_t first = raw.thirds.x >> shift, second = raw.thirds.y >> shift;
    pairs(raw.pairs, q);
#pragma unroll
    for (int s = 0; s < 4; ++s) {
      q[2 * s] |= (first >> s & 0x01010101u) << 2;
      q[2 * s + 1] |= (second >> s & 0x01010101u) << 2;
    }
  }
  static __device__ void scales(const Raw& raw, float (&scale)[4], float (&)[4]) {
    const uint32_t shift = raw.unit & 4;
    const uint32_t lower = raw.lower >> shift & 0x0F0F0F0Fu, upper = raw.upper >> shift;
    const float d = half_at(raw.d);
    bytes_to_floats<32>(lower | (upper & 0x0303u) << 4 | (upper & 0x0C0Cu) << 18, scale);
#pragma unroll
    for (int s = 0; s < 4; ++s) scale[s] *= d;
  }
};

}  // namespace kigo::kernels::device::packed
