// Packed formats of 32 values a block: a unit is a block.
#pragma once

#include "kernels/device/fault.cuh"
#include "kernels/device/packed_unit.cuh"

namespace kigo::kernels::device::packed {

/// Codes of four bits around 8. Planes: 16 bytes of nibbles, d.
struct Q4_0 : Grouped<Q4_0, 1, false, 8> {
  static constexpr uint32_t id = 2;
  static constexpr int run = 16;
  static constexpr int zero = 8;
  struct Raw {
    uint4 nibbles;
    uint32_t d;
  };
  static __device__ Raw load(const Planes& planes, int64_t row, int unit) {
    const uint32_t block = unit_index(planes, row, unit);
    return {load_streamed16(planes.plane[0] + uint64_t{16} * block),
            load_shared_by_lanes<uint16_t>(planes.plane[1] + uint64_t{2} * block)};
  }
  static __host__ __device__ constexpr int position(int unit, int i) { return kUnit * unit + i; }
  static __device__ void codes(const Raw& raw, uint32_t (&q)[kUnit / 4]) { nibbles(raw.nibbles, q); }
  static __device__ void scales(const Raw& raw, float (&scale)[1], float (&)[1]) {
    scale[0] = half_at(raw.d);
  }
};

/// Codes of four bits, a minimum. Planes: 16 bytes of nibbles, d and m.
struct Q4_1 : Grouped<Q4_1, 1, true, 15> {
  static constexpr uint32_t id = 3;
  static constexpr int run = 16;
  struct Raw {
    uint4 nibbles;
    uint32_t header;
  };
  static __device__ Raw load(const Planes& planes, int64_t row, int unit) {
    const uint32_t block = unit_index(planes, row, unit);
    return {load_streamed16(planes.plane[0] + uint64_t{16} * block),
            load_shared_by_lanes<uint32_t>(planes.plane[1] + uint64_t{4} * block)};
  }
  static __host__ __device__ constexpr int position(int unit, int i) { return kUnit * unit + i; }
  static __device__ void codes(const Raw& raw, uint32_t (&q)[kUnit / 4]) { nibbles(raw.nibbles, q); }
  static __device__ void scales(const Raw& raw, float (&scale)[1], float (&offset)[1]) {
    scale[0] = half_at(raw.header & 0xFFFFu);
    offset[0] = half_at(raw.header >> 16);
  }
};

/// Bits First .. First + 3 as 16 or 0 in a byte each. The factor lays four copies 7 bits apart, so that the
/// copies do not meet and bit k of the k-th one stands at 8k + 4.
template <int First>
__device__ uint32_t spread(uint32_t bits) {
  return ((bits >> First & 0xFu) * 0x02040810u) & 0x10101010u;
}
/// Adds 16 to the codes, four to a word in order, whose bit is set.
__device__ inline void add_fifth_bits(uint32_t bits, uint32_t (&q)[kUnit / 4]) {
  const uint32_t fifth[8] = {spread<0>(bits),  spread<4>(bits),  spread<8>(bits),  spread<12>(bits),
                             spread<16>(bits), spread<20>(bits), spread<24>(bits), spread<28>(bits)};
#pragma unroll
  for (int word = 0; word < kUnit / 4; ++word) q[word] |= fifth[word];
}

/// Codes of five bits around 16. Planes: 16 bytes of nibbles, 32 fifth bits, d.
struct Q5_0 : Grouped<Q5_0, 1, false, 16> {
  static constexpr uint32_t id = 6;
  static constexpr int run = 16;
  static constexpr int zero = 16;
  struct Raw {
    uint4 nibbles;
    uint32_t fifth;
    uint32_t d;
  };
  static __device__ Raw load(const Planes& planes, int64_t row, int unit) {
    const uint32_t block = unit_index(planes, row, unit);
    return {load_streamed16(planes.plane[0] + uint64_t{16} * block),
            load_shared_by_lanes<uint32_t>(planes.plane[1] + uint64_t{4} * block + (KIGO_FAULT(F86) ? 2 : 0)),
            load_shared_by_lanes<uint16_t>(planes.plane[2] + uint64_t{2} * block)};
  }
  static __host__ __device__ constexpr int position(int unit, int i) { return kUnit * unit + i; }
  static __device__ void codes(const Raw& raw, uint32_t (&q)[kUnit / 4]) {
    nibbles(raw.nibbles, q);
    const uint32_t low = raw.fifth & 0xFFFFu;
    add_fifth_bits(KIGO_FAULT(F10) ? low << 16 | low : raw.fifth, q);
  }
  static __device__ void scales(const Raw& raw, float (&scale)[1], float (&)[1]) {
    scale[0] = half_at(raw.d);
  }
};

/// Codes of five bits, a minimum. Planes: 16 bytes of nibbles, 32 fifth bits, d and m.
struct Q5_1 : Grouped<Q5_1, 1, true, 31> {
  static constexpr uint32_t id = 7;
  static constexpr int run = 16;
  struct Raw {
    uint4 nibbles;
    uint32_t fifth;
    uint32_t header;
  };
  static __device__ Raw load(const Planes& planes, int64_t row, int unit) {
    const uint32_t block = unit_index(planes, row, unit);
    return {load_streamed16(planes.plane[0] + uint64_t{16} * block),
            load_shared_by_lanes<uint32_t>(planes.plane[1] + uint64_t{4} * block),
            load_shared_by_lanes<uint32_t>(planes.plane[2] + uint64_t{4} * block)};
  }
  static __host__ __device__ constexpr int position(int unit, int i) { return kUnit * unit + i; }
  static __device__ void codes(const Raw& raw, uint32_t (&q)[kUnit / 4]) {
    nibbles(raw.nibbles, q);
    add_fifth_bits(raw.fifth, q);
  }
  static __device__ void scales(const Raw& raw, float (&scale)[1], float (&offset)[1]) {
    scale[0] = half_at(raw.header & 0xFFFFu);
    offset[0] = half_at(raw.header >> 16);
  }
};

/// Signed bytes. Planes: 32 bytes, d.
struct Q8_0 : Grouped<Q8_0, 1, false, 128> {
  static constexpr uint32_t id = 8;
  static constexpr int run = 32;
  static constexpr bool signed_codes = true;
  struct Raw {
    uint4 low;
    uint4 high;
    uint32_t d;
  };
  static __device__ Raw load(const Planes& planes, int64_t row, int unit) {
    const uint32_t block = unit_index(planes, row, unit);
    return {load_halves16(planes.plane[0] + uint64_t{32} * block),
            load_halves16(planes.plane[0] + uint64_t{32} * block + 16),
            load_shared_by_lanes<uint16_t>(planes.plane[1] + uint64_t{2} * block)};
  }
  static __host__ __device__ constexpr int position(int unit, int i) { return kUnit * unit + i; }
  static __device__ void codes(const Raw& raw, uint32_t (&q)[kUnit / 4]) {
    q[0] = raw.low.x, q[1] = raw.low.y, q[2] = raw.low.z, q[3] = raw.low.w;
    q[4] = raw.high.x, q[5] = raw.high.y, q[6] = raw.high.z, q[7] = raw.high.w;
  }
  static __device__ void scales(const Raw& raw, float (&scale)[1], float (&)[1]) {
    scale[0] = half_at(raw.d);
  }
};

}  // namespace kigo::kernels::device::packed
