// Packed formats of 256 values a block: eight units to a block, whose scales they share.
#pragma once

#include "kernels/device/fault.cuh"
#include "kernels/device/packed_unit.cuh"

namespace kigo::kernels::device::packed {

/// Of the 16 bytes d, dmin and S that Q4_K and Q5_K have: scale b, scale b + 1, minimum b, minimum b + 1 of
/// the unit's two sub-blocks, a byte each. In the lower half of the block they are the lower six bits of
/// S[b], S[b + 1], S[b + 4], S[b + 5]; in the upper half those bytes, 4 before, have their upper two bits on
/// top, and the nibbles of S[b + 4] and S[b + 5] are the rest.
__device__ inline uint32_t six_bits(const uint4& header, int unit) {
  const uint32_t own = unit & 2 ? header.z : header.y;
  if ((unit & 4) == 0) return own & 0x3F3F3F3Fu;
  const uint32_t rest = unit & 2 ? header.w >> 16 : header.w;
  return (own >> 2 & 0x30303030u) | (rest & 0x0F0Fu) | (rest & 0xF0F0u) << 12;
}

#ifdef KIGO_FAULTS
/// For F08: the low and the high nibble of a byte as codes 2 i and 2 i + 1 of a unit of Q4_K.
__device__ inline void neighbours(const uint32_t (&words)[4], uint32_t (&q)[kUnit / 4]) {
#pragma unroll
  for (int k = 0; k < kUnit / 4; ++k) {
    const uint32_t two = words[k / 2] >> 16 * (k % 2) & 0xFFFFu;
    const uint32_t four = (two & 0xFu) | (two & 0xF0u) << 4 | (two & 0xF00u) << 8 | (two & 0xF000u) << 12;
    q[k] = k < 4 ? four : four << 4;
  }
}
#else
__device__ inline void neighbours(const uint32_t (&)[4], uint32_t (&)[kUnit / 4]) {}
#endif

/// Four bits, scale and minimum of six bits for every 32 values. Planes: 128 bytes of nibbles; d, dmin and
/// the 12 bytes of scales, S, in the order of core/ops/packing.cc. Unit u of a block has 16 bytes of nibbles:
/// 16 values of sub-block b = 2 (u / 2), whose codes are the low nibbles, and the 16 that stand 32 further
/// on. Those of the high nibbles stay where they are, as 16 times the code, and their scale is a sixteenth.
struct Q4_K : Grouped<Q4_K, 2, true, 16 * 15> {
  static constexpr uint32_t id = 12;
  static constexpr int run = 16;
  static constexpr int in_flight = 4;  // rows, in kernels that keep several on their way
  struct Raw {
    uint4 nibbles;
    uint4 header;  // taken apart no sooner than the values are needed
    int unit;
  };
  static __device__ Raw load(const Planes& planes, int64_t row, int unit) {
    const uint32_t at = unit_index(planes, row, unit);
    Raw raw{load_streamed16(planes.plane[0] + uint64_t{16} * at),
            load_shared_by_lanes<uint4>(planes.plane[1] + uint64_t{16} * (at / 8)), unit};
    if (at >= 8 && KIGO_FAULT(F58))
      raw.header.x = load_shared_by_lanes<uint4>(planes.plane[1] + uint64_t{16} * (at / 8 - 1)).x;
    return raw;
  }
  static __host__ __device__ constexpr int position(int unit, int i) {
    return 64 * (unit / 2) + 16 * (unit % 2) + (i < 16 ? i : i + 16);
  }
  static __device__ void codes(const Raw& raw, uint32_t (&q)[kUnit / 4]) {
    const uint32_t words[4] = {raw.nibbles.x, raw.nibbles.y, raw.nibbles.z, raw.nibbles.w};
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      q[k] = words[k] & 0x0F0F0F0Fu;
      q[4 + k] = words[k] & 0xF0F0F0F0u;
    }
    if (KIGO_FAULT(F08)) neighbours(words, q);
    if (raw.unit == 7 && KIGO_FAULT(F59a)) q[7] &= 0x00FFFFFFu;
  }
  static __device__ void scales(const Raw& raw, float (&scale)[2], float (&offset)[2]) {
    uint32_t six = six_bits(raw.header, raw.unit);
    if (raw.unit >= 4 && KIGO_FAULT(F07)) six &= 0xFFFF0F0Fu;
    if (KIGO_FAULT(F56))
      six = (six_bits(raw.header, (raw.unit + 6) % 8) >> 8 & 0x00FF00FFu) | (six << 8 & 0xFF00FF00u);
    if (KIGO_FAULT(F57)) six = (six & 0xFFFF0000u) | (six & 0xFFu) << 8 | (six >> 8 & 0xFFu);
    const float d = half_at(raw.header.x & 0xFFFFu);
    const float dmin = KIGO_FAULT(F06) ? -half_at(raw.header.x >> 16) : half_at(raw.header.x >> 16);
    scale[0] = d * byte_to_float<0>(six);
    scale[1] = d * byte_to_sixteenth<1>(six);
    offset[0] = -(dmin * byte_to_float<2>(six));
    offset[1] = -(dmin * byte_to_float<3>(six));
  }
};

/// Five bits, scale and minimum of six bits for every 32 values. Planes: 128 bytes of nibbles; 32 bytes of
/// fifth bits; d, dmin and the 12 bytes of scales as those of Q4_K. A unit has the values of Q4_K's; bits b
/// and b + 1 of 16 bytes of fifth bits belong to it, the other bits to the block's other units of the same
/// parity.
struct Q5_K : Grouped<Q5_K, 2, true, 31> {
  static constexpr uint32_t id = 13;
  static constexpr int run = 16;
  static constexpr int in_flight = 2;
  struct Raw {
    uint4 nibbles;
    uint4 fifths;
    uint4 header;
    int unit;
  };
  static __device__ Raw load(const Planes& planes, int64_t row, int unit) {
    const uint32_t at = unit_index(planes, row, unit);
    return {load_streamed16(planes.plane[0] + uint64_t{16} * at),
            load_shared_by_lanes<uint4>(planes.plane[1] + uint64_t{32} * (at / 8) + 16 * (at % 2)),
            load_shared_by_lanes<uint4>(planes.plane[2] + uint64_t{16} * (at / 8)), unit};
  }
  static __host__ __device__ constexpr int position(int unit, int i) { return Q4_K::position(unit, i); }
  static __device__ void codes(const Raw& raw, uint32_t (&q)[kUnit / 4]) {
    const uint32_t fifths[4] = {raw.fifths.x, raw.fifths.y, raw.fifths.z, raw.fifths.w};
    const int b = raw.unit & 6;
    nibbles(raw.nibbles, q);
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      const uint32_t own = fifths[k] >> b;
      q[k] |= (own & 0x01010101u) << 4;
      q[4 + k] |= (own & 0x02020202u) << 3;
    }
  }
  static __device__ void scales(const Raw& raw, float (&scale)[2], float (&offset)[2]) {
    const uint32_t six = six_bits(raw.header, raw.unit);
    const float d = half_at(raw.header.x & 0xFFFFu), dmin = half_at(raw.header.x >> 16);
    scale[0] = d * byte_to_float<0>(six);
    scale[1] = d * byte_to_float<1>(six);
    offset[0] = -(dmin * byte_to_float<2>(six));
    offset[1] = -(dmin * byte_to_float<3>(six));
  }
};

/// Six bits around 32, a signed scale of eight bits for every 16 values. Planes, ordered by units: 16 bytes
/// of nibbles and 8 bytes of upper bits a unit, 4 scales for two units; d. Unit 4g + p of a block has the
/// values 128 g + 32 s + 8 p + 0..7 of the stripes s = 0..3: stripes 0 and 2 are the low and high nibbles of
/// its first 8 bytes, 1 and 3 those of its other 8, and stripe s has bits 2s and 2s + 1 of the upper bits.
struct Q6_K : Grouped<Q6_K, 4, false, 32> {
  static constexpr uint32_t id = 14;
  static constexpr int run = 8;
  static constexpr int zero = 32;
  struct Raw {
    uint4 nibbles;
    uint2 upper;
    uint32_t scales;
    uint32_t d;
  };
  static __device__ Raw load(const Planes& planes, int64_t row, int unit) {
    const uint32_t at = unit_index(planes, row, unit) - (KIGO_FAULT(F74) ? unit / 8 : 0);
    const uint32_t of_scales = KIGO_FAULT(F57) ? at / 2 ^ 2 : at / 2;
    const uint32_t of_d = at >= 8 && KIGO_FAULT(F58) ? at / 8 - 1 : at / 8;
    return {load_streamed16(planes.plane[0] + uint64_t{16} * at),
            load_streamed8(planes.plane[1] + uint64_t{8} * at),
            load_shared_by_lanes<uint32_t>(planes.plane[2] + uint64_t{4} * of_scales),
            load_shared_by_lanes<uint16_t>(planes.plane[3] + uint64_t{2} * of_d)};
  }
  static __host__ __device__ constexpr int position(int unit, int i) {
    return 128 * (unit / 4) + 8 * (unit % 4) + 32 * (i / 8) + i % 8;
  }
  static __device__ void codes(const Raw& raw, uint32_t (&q)[kUnit / 4]) {
    const uint32_t even[2] = {raw.nibbles.x, raw.nibbles.y};
    const uint32_t odd[2] = {raw.nibbles.z, raw.nibbles.w};
    const uint32_t upper[2] = {raw.upper.x, raw.upper.y};
#pragma unroll
    for (int k = 0; k < 2; ++k) {
      const uint32_t u = upper[k];
      q[k] = (even[k] & 0x0F0F0F0Fu) | (u << 4 & 0x30303030u);
      q[2 + k] = (odd[k] & 0x0F0F0F0Fu) | (u << 2 & 0x30303030u);
      q[4 + k] = (even[k] >> 4 & 0x0F0F0F0Fu) | (u & 0x30303030u);
      q[6 + k] = (odd[k] >> 4 & 0x0F0F0F0Fu) | (u >> 2 & 0x30303030u);
    }
  }
  static __device__ void scales(const Raw& raw, float (&scale)[4], float (&)[4]) {
    const float d = half_at(raw.d);
    const uint32_t bytes = KIGO_FAULT(F56) ? raw.scales << 8 | raw.scales >> 24 : raw.scales;
    bytes_to_floats<128>(bytes ^ 0x80808080u, scale);
    if (KIGO_FAULT(F09)) bytes_to_floats<0>(bytes, scale);
#pragma unroll
    for (int s = 0; s < 4; ++s) scale[s] *= d;
  }
};

/// Signed bytes, one scale in single precision. Planes: 32 bytes a unit; d; the sums, which nothing reads.
struct Q8_K : Grouped<Q8_K, 1, false, 128> {
  static constexpr uint32_t id = 15;
  static constexpr int run = 32;
  static constexpr bool signed_codes = true;
  struct Raw {
    uint4 low;
    uint4 high;
    uint32_t d;
  };
  static __device__ Raw load(const Planes& planes, int64_t row, int unit) {
    const uint32_t at = unit_index(planes, row, unit);
    return {load_halves16(planes.plane[0] + uint64_t{32} * at),
            load_halves16(planes.plane[0] + uint64_t{32} * at + 16),
            load_shared_by_lanes<uint32_t>(planes.plane[1] + uint64_t{4} * (at / 8))};
  }
  static __host__ __device__ constexpr int position(int unit, int i) { return kUnit * unit + i; }
  static __device__ void codes(const Raw& raw, uint32_t (&q)[kUnit / 4]) {
    q[0] = raw.low.x, q[1] = raw.low.y, q[2] = raw.low.z, q[3] = raw.low.w;
    q[4] = raw.high.x, q[5] = raw.high.y, q[6] = raw.high.z, q[7] = raw.high.w;
  }
  static __device__ void scales(const Raw& raw, float (&scale)[1], float (&)[1]) {
    scale[0] = __uint_as_float(raw.d);
  }
};

}  // namespace kigo::kernels::device::packed
