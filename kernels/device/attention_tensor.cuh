// Attention of many queries on tensor cores: queries and weights rounded to half, sums in float.
//
// Rows, tiles and the walk over positions are those of attention_prefill.cuh: 64 rows of one KV head meet 64
// positions at a time. Each of four warps has 16 rows to itself, from scores to output: a score tile of 16 x
// 64 stays in the registers where mma.m16n8k16 left it, which is where the next product expects its left
// operand. With g = lane / 4 and t = lane % 4 a lane holds rows g and g + 8, columns 2 t and 2 t + 1 of every
// group of eight. The order of a row's sums depends on its position alone, as in attention_prefill.cuh.
#pragma once

#include "kernels/device/attention_prefill.cuh"

namespace kigo::kernels::device {

constexpr int kTensorWarps = kTile / 16;
constexpr int kTensorThreads = kTensorWarps * kWarp;

/// Rows of HeadDim halves lie 16 bytes further apart: eight rows of a column of words meet all banks once.
template <int HeadDim>
struct HalfTile {
  static constexpr int kUnits = HeadDim / kUnit<f16>;
  uint4 row[kTile][kUnits + 1];
  __device__ const uint32_t* words(int n) const { return reinterpret_cast<const uint32_t*>(row[n]); }
};

/// Starts the copies of positions first .. first + 63; those after `last` become 0.
template <int HeadDim>
__device__ void load_half_tile(HalfTile<HeadDim>& tile, const View<const f16, 4, Space::Device>& pool,
                               const int32_t* table, int64_t kv_head, int first, int last) {
  constexpr int kUnits = HalfTile<HeadDim>::kUnits;
  for (int at = static_cast<int>(threadIdx.x); at < kTile * kUnits; at += kTensorThreads) {
    const int row = at / kUnits, unit = at % kUnits;
    const int position = first + row;
    if (position <= last) {
      const int64_t page = table[position / ops::kPagePositions];
      copy_async(&tile.row[row][unit], row_of(pool, page, kv_head, position) + unit * kUnit<f16>);
    } else {
      tile.row[row][unit] = uint4{0, 0, 0, 0};
    }
  }
  end_copy_group();
}

/// Two floats rounded to half, the first in the lower bits.
__device__ inline uint32_t pack_halves(float low, float high) {
  return uint32_t{__half_as_ushort(__float2half_rn(high))} << 16 | __half_as_ushort(__float2half_rn(low));
}

/// sum += a * b, with a [16, 16] and b [16, 8]. Source: PTX ISA, mma.m16n8k16 with .f16 operands.
__device__ inline void multiply(float (&sum)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/// The right operand of 16 rows of halves, 8 columns: lanes 0 to 15 give the rows' addresses, and each lane
/// gets rows 2 t, 2 t + 1 and 2 t + 8, 2 t + 9 of column g. Source: PTX ISA, ldmatrix with .trans.
__device__ inline void load_transposed(uint32_t& b0, uint32_t& b1, const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
               : "=r"(b0), "=r"(b1)
               : "r"(static_cast<unsigned>(__cvta_generic_to_shared(row)))
               : "memory");
}

__device__ inline float max_of_quad(float value) {
  value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, 1));
  return fmaxf(value, __shfl_xor_sync(kAllLanes, value, 2));
}
__device__ inline float sum_of_quad(float value) {
  value += __shfl_xor_sync(kAllLanes, value, 1);
  return value + __shfl_xor_sync(kAllLanes, value, 2);
}

/// score[n] = the warp's 16 queries with keys 8 n .. 8 n + 7.
template <int HeadDim>
__device__ void make_tensor_scores(float (&score)[kTile / 8][4], const uint32_t (&q)[HeadDim / 16][4],
                                   const HalfTile<HeadDim>& keys, int g, int t) {
#pragma unroll
  for (int n = 0; n < kTile / 8; ++n) {
    const uint32_t* key = keys.words(8 * n + g);
#pragma unroll
    for (int d = 0; d < HeadDim / 16; ++d) multiply(score[n], q[d], key[8 * d + t], key[8 * d + t + 4]);
  }
}

/// out[n] += weights * values of columns 8 n .. 8 n + 7, 16 positions at a time.
template <int HeadDim>
__device__ void mix_tensor_values(float (&out)[HeadDim / 8][4], const float (&weight)[kTile / 8][4],
                                  const HalfTile<HeadDim>& values, int lane) {
#pragma unroll
  for (int k = 0; k < kTile / 16; ++k) {
    const float(&left)[4] = weight[2 * k];
    const float(&right)[4] = weight[2 * k + 1];
    const uint32_t a[4] = {pack_halves(left[0], left[1]), pack_halves(left[2], left[3]),
                           pack_halves(right[0], right[1]), pack_halves(right[2], right[3])};
#pragma unroll
    for (int n = 0; n < HeadDim / 8; ++n) {
      uint32_t b0, b1;
      load_transposed(b0, b1, &values.row[16 * k + lane % 16][n]);
      multiply(out[n], a, b0, b1);
    }
  }
}

/// Grid: tiles of rows, kv_heads.
template <int HeadDim>
__global__ void __launch_bounds__(kTensorThreads)
    paged_attention_tensor_kernel(ops::PagedAttention<float, f16, Space::Device> op, float scale) {
  __shared__ HalfTile<HeadDim> keys;
  __shared__ HalfTile<HeadDim> values;
  __shared__ int largest_of_warp[kTensorWarps];
  const int warp = static_cast<int>(threadIdx.x) / kWarp, lane = static_cast<int>(threadIdx.x) % kWarp;
  const int g = lane / 4, t = lane % 4;
  const int64_t kv_head = blockIdx.y;
  const Rows rows(op.q.shape, op.cache.k.shape[1]);
  wait_for_predecessor();

  uint32_t q[HeadDim / 16][4];
  int position[2], last = 0;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const Rows::Place place = rows.place(16 * warp + g + 8 * half);
    position[half] = seen_up_to(static_cast<int>(op.positions.data[place.token]));
    last = max(last, position[half]);
    const float* row = op.q.data + place.token * op.q.stride[0] + place.head * op.q.stride[1];
#pragma unroll
    for (int d = 0; d < HeadDim / 16; ++d) {
      q[d][half] = pack_halves(row[16 * d + 2 * t], row[16 * d + 2 * t + 1]);
      q[d][2 + half] = pack_halves(row[16 * d + 2 * t + 8], row[16 * d + 2 * t + 9]);
    }
  }
  last = __reduce_max_sync(kAllLanes, last);
  if (lane == 0) largest_of_warp[warp] = last;
  __syncthreads();
  for (const int other : largest_of_warp) last = max(last, other);

  float largest[2] = {-INFINITY, -INFINITY}, sum[2] = {0, 0};
  float out[HeadDim / 8][4] = {};
  for (int first = 0; first <= last; first += kTile) {
    load_half_tile(keys, op.cache.k, op.cache.table.data, kv_head, first, last);
    load_half_tile(values, op.cache.v, op.cache.table.data, kv_head, first, last);
    wait_for_copies<1>();
    __syncthreads();
    float score[kTile / 8][4] = {};
    make_tensor_scores(score, q, keys, g, t);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float highest = largest[half];
#pragma unroll
      for (int n = 0; n < kTile / 8; ++n) {
#pragma unroll
        for (int e = 2 * half; e < 2 * half + 2; ++e) {
          const bool seen = first + 8 * n + 2 * t + e % 2 <= position[half];
          score[n][e] = seen ? score[n][e] * scale : -INFINITY;
          highest = fmaxf(highest, score[n][e]);
        }
      }
      highest = KIGO_FAULT(F35)
                    ? 0
                    : max_of_quad(highest);  // finite from the first tile on: every row sees position 0
      float added = 0;
#pragma unroll
      for (int n = 0; n < kTile / 8; ++n) {
#pragma unroll
        for (int e = 2 * half; e < 2 * half + 2; ++e) added += score[n][e] = expf(score[n][e] - highest);
      }
      const float decay = expf(largest[half] - highest);
      sum[half] = sum[half] * decay + sum_of_quad(added);
      largest[half] = highest;
#pragma unroll
      for (int n = 0; n < HeadDim / 8; ++n) out[n][2 * half] *= decay, out[n][2 * half + 1] *= decay;
    }
    wait_for_copies<0>();
    __syncthreads();
    mix_tensor_values(out, score, values, lane);
    __syncthreads();
  }

#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = 16 * warp + g + 8 * half;
    if (row >= rows.count) continue;
    const Rows::Place place = rows.place(row);
    float* y = op.y.data + place.token * op.y.stride[0] + place.head * op.y.stride[1];
#pragma unroll
    for (int n = 0; n < HeadDim / 8; ++n) {
      y[8 * n + 2 * t] = out[n][2 * half] / sum[half] + 0.0f;  // + 0: as in attention_prefill.cuh
      y[8 * n + 2 * t + 1] = out[n][2 * half + 1] / sum[half] + 0.0f;
    }
  }
}

}  // namespace kigo::kernels::device
