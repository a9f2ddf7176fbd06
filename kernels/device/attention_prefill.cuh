// Attention of many queries: tiles of 64 queries meet tiles of 64 keys in shared memory.
//
// All query heads of one KV head are rows beside one another: row r is token r / group, head r % group of the
// group. Block (x, g) takes rows 64 x to 64 x + 63 of KV head g and walks the positions from 0 to the largest
// that any of its rows sees, 64 at a time. Its 256 threads form a square of 16 x 16: thread (ty, tx) makes
// the scores of rows 4 ty .. 4 ty + 3 with keys tx, tx + 16, tx + 32, tx + 48, and holds the output of these
// rows in columns 4 tx + 64 n and the three after.
//
// Bits do not depend on the chunking of a prompt: tiles of keys begin at multiples of 64 whoever asks, and a
// tile in which a row sees nothing changes nothing: its maximum stays, its sums are multiplied by exp(0) = 1,
// and zeros are added.
#pragma once

#include "core/ops/paged_attention.h"
#include "kernels/device/attention_tile.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/reduce.cuh"

namespace kigo::kernels::device {

constexpr int kTile = 64;  // queries and keys
constexpr int kSide = 16;  // threads
constexpr int kEach = kTile / kSide;
constexpr int kPrefillThreads = kSide * kSide;
constexpr int kWeightStride = kTile + 4;

/// Rows of HeadDim floats lie HeadDim + 4 apart: eight rows of a column of float4 meet all banks once.
template <int HeadDim>
struct PrefillShape {
  static constexpr int kStride = HeadDim + 4;
  static constexpr int kColumns = (HeadDim + kTile - 1) / kTile;  // groups of four, a thread
  static constexpr int64_t kSharedBytes = (2 * kTile * kStride + kTile * kWeightStride) * sizeof(float);
};

/// Keys or values of positions first .. first + 63 as floats; those after `last` become 0.
template <class C, int HeadDim>
__device__ void load_tile(float* to, const View<const C, 4, Space::Device>& pool, const int32_t* table,
                          int64_t kv_head, int first, int last) {
  constexpr int kUnits = HeadDim / kUnit<C>;
#pragma unroll
  for (int n = 0; n < (kTile * kUnits + kPrefillThreads - 1) / kPrefillThreads; ++n) {
    const int at = static_cast<int>(threadIdx.x) + n * kPrefillThreads;
    if (at >= kTile * kUnits) continue;
    const int row = at / kUnits, column = at % kUnits * kUnit<C>;
    const int position = first + row;
    uint4 unit{0, 0, 0, 0};
    if (position <= last) {
      const int64_t page = table[position / ops::kPagePositions];
      unit = *reinterpret_cast<const uint4*>(row_of(pool, page, kv_head, position) + column);
    }
    float widened[kUnit<C>];
    widen_unit(unit, widened);
    float* out = to + row * PrefillShape<HeadDim>::kStride + column;
#pragma unroll
    for (int e = 0; e < kUnit<C>; e += 4)
      *reinterpret_cast<float4*>(out + e) = {widened[e], widened[e + 1], widened[e + 2], widened[e + 3]};
  }
}

__device__ inline float max_of_side(float value) {
  for (int distance = kSide / 2; distance > 0; distance /= 2)
    value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, distance));
  return value;
}
__device__ inline float sum_of_side(float value) {
  for (int distance = kSide / 2; distance > 0; distance /= 2)
    value += __shfl_xor_sync(kAllLanes, value, distance);
  return value;
}

/// score[i][j] = q[4 ty + i] . k[tx + 16 j], added up from dimension 0 on.
template <int HeadDim>
__device__ void make_scores(float (&score)[kEach][kEach], const float* q, const float* k, int ty, int tx) {
  constexpr int kStride = PrefillShape<HeadDim>::kStride;
#pragma unroll 4
  for (int d = 0; d < HeadDim; d += 4) {
    float4 a[kEach], b[kEach];
#pragma unroll
    for (int i = 0; i < kEach; ++i)
      a[i] = *reinterpret_cast<const float4*>(q + (kEach * ty + i) * kStride + d);
#pragma unroll
    for (int j = 0; j < kEach; ++j)
      b[j] = *reinterpret_cast<const float4*>(k + (tx + kSide * j) * kStride + d);
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
#pragma unroll
      for (int j = 0; j < kEach; ++j) {
        score[i][j] += a[i].x * b[j].x;
        score[i][j] += a[i].y * b[j].y;
        score[i][j] += a[i].z * b[j].z;
        score[i][j] += a[i].w * b[j].w;
      }
    }
  }
}

/// out[i][n] += sum over keys of weight[4 ty + i][key] * v[key][4 tx + 64 n ..], from key 0 on.
template <int HeadDim>
__device__ void mix_values(float4 (&out)[kEach][PrefillShape<HeadDim>::kColumns], const float* weight,
                           const float* v, int ty, int tx) {
#pragma unroll 2
  for (int key = 0; key < kTile; key += 4) {
    float w[kEach][4];
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      const float4 four = *reinterpret_cast<const float4*>(weight + (kEach * ty + i) * kWeightStride + key);
      w[i][0] = four.x, w[i][1] = four.y, w[i][2] = four.z, w[i][3] = four.w;
    }
#pragma unroll
    for (int e = 0; e < 4; ++e) {
#pragma unroll
      for (int n = 0; n < PrefillShape<HeadDim>::kColumns; ++n) {
        const int column = 4 * tx + kTile * n;
        if (column >= HeadDim) continue;
        const float4 value =
            *reinterpret_cast<const float4*>(v + (key + e) * PrefillShape<HeadDim>::kStride + column);
#pragma unroll
        for (int i = 0; i < kEach; ++i) {
          out[i][n].x += w[i][e] * value.x;
          out[i][n].y += w[i][e] * value.y;
          out[i][n].z += w[i][e] * value.z;
          out[i][n].w += w[i][e] * value.w;
        }
      }
    }
  }
}

/// Which token and head each row of this block is. In 32 bits within a tile: divisions are slow.
struct Rows {
  struct Place {
    int64_t token, head;
  };
  __device__ Rows(const std::array<int64_t, 3>& q_shape, int64_t kv_heads)
      : group(static_cast<int>(q_shape[1] / kv_heads)),
        first_token(int64_t{blockIdx.x} * kTile / group),
        first_in_group(static_cast<int>(int64_t{blockIdx.x} * kTile % group)),
        count(static_cast<int>(min(int64_t{kTile}, q_shape[0] * group - int64_t{blockIdx.x} * kTile))) {}
  /// Rows beyond the last repeat it: they compute what nobody stores.
  __device__ Place place(int row) const {
    const int n = first_in_group + min(row, count - 1);
    const int64_t member = n % group;
    return {first_token + n / group,
            KIGO_FAULT(F33) ? member * gridDim.y + blockIdx.y : int64_t{blockIdx.y} * group + member};
  }
  int group;
  int64_t first_token;
  int first_in_group;
  int count;
};

/// The last position that the query at `position` sees: its own.
__device__ inline int seen_up_to(int position) {
  if (position > 0 && KIGO_FAULT(F36a)) --position;
  if (KIGO_FAULT(F36b)) ++position;
  return position;
}

/// Grid: tiles of rows, kv_heads.
template <class C, int HeadDim>
__global__ void __launch_bounds__(kPrefillThreads, 2)
    paged_attention_prefill_kernel(ops::PagedAttention<float, C, Space::Device> op, float scale) {
  using Shape = PrefillShape<HeadDim>;
  extern __shared__ float4 shared[];
  __shared__ int largest_of_warp[kPrefillThreads / kWarp];
  float* q = reinterpret_cast<float*>(shared);  // [64, HeadDim + 4]
  float* kv = q + kTile * Shape::kStride;       // [64, HeadDim + 4], keys, then values
  float* weight = kv + kTile * Shape::kStride;  // [64, 64 + 4]
  const int tx = static_cast<int>(threadIdx.x) % kSide, ty = static_cast<int>(threadIdx.x) / kSide;
  const int64_t kv_head = blockIdx.y;
  const Rows rows(op.q.shape, op.cache.k.shape[1]);
  wait_for_predecessor();

  for (int at = static_cast<int>(threadIdx.x); at < kTile * HeadDim; at += kPrefillThreads) {
    const int row = at / HeadDim, d = at % HeadDim;
    const Rows::Place place = rows.place(row);
    q[row * Shape::kStride + d] = op.q.data[place.token * op.q.stride[0] + place.head * op.q.stride[1] + d];
  }
  int position[kEach], last = 0;
  for (int i = 0; i < kEach; ++i) {
    position[i] = seen_up_to(static_cast<int>(op.positions.data[rows.place(kEach * ty + i).token]));
    last = max(last, position[i]);
  }
  last = __reduce_max_sync(kAllLanes, last);
  if (threadIdx.x % kWarp == 0) largest_of_warp[threadIdx.x / kWarp] = last;
  __syncthreads();
  for (const int other : largest_of_warp) last = max(last, other);

  float largest[kEach], sum[kEach];
  float4 out[kEach][Shape::kColumns] = {};
  for (int i = 0; i < kEach; ++i) largest[i] = -INFINITY, sum[i] = 0;
  for (int first = 0; first <= last; first += kTile) {
    load_tile<C, HeadDim>(kv, op.cache.k, op.cache.table.data, kv_head, first, last);
    __syncthreads();
    float score[kEach][kEach] = {};
    make_scores<HeadDim>(score, q, kv, ty, tx);
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      float highest = largest[i];
#pragma unroll
      for (int j = 0; j < kEach; ++j) {
        const bool seen = first + tx + kSide * j <= position[i];
        score[i][j] = seen ? score[i][j] * scale : -INFINITY;
        highest = fmaxf(highest, score[i][j]);
      }
      highest = KIGO_FAULT(F35)
                    ? 0
                    : max_of_side(highest);  // finite from the first tile on: every row sees position 0
      float added = 0;
#pragma unroll
      for (int j = 0; j < kEach; ++j) {
        const float e = expf(score[i][j] - highest);
        weight[(kEach * ty + i) * kWeightStride + tx + kSide * j] = e;
        added += e;
      }
      const float decay = expf(largest[i] - highest);
      sum[i] = sum[i] * decay + sum_of_side(added);
      largest[i] = highest;
#pragma unroll
      for (float4& o : out[i]) o = {o.x * decay, o.y * decay, o.z * decay, o.w * decay};
    }
    __syncthreads();
    load_tile<C, HeadDim>(kv, op.cache.v, op.cache.table.data, kv_head, first, last);
    __syncthreads();
    mix_values<HeadDim>(out, weight, kv, ty, tx);
    __syncthreads();
  }

  for (int i = 0; i < kEach; ++i) {
    const int row = kEach * ty + i;
    if (row >= rows.count) continue;
    const Rows::Place place = rows.place(row);
    float* y = op.y.data + place.token * op.y.stride[0] + place.head * op.y.stride[1];
#pragma unroll
    for (int n = 0; n < Shape::kColumns; ++n) {
      const int column = 4 * tx + kTile * n;
      if (column >= HeadDim) continue;
      // + 0: whether a tiny negative sum underflows to -0 may depend on the tiles that added zeros to it.
      y[column] = out[i][n].x / sum[i] + 0.0f;
      y[column + 1] = out[i][n].y / sum[i] + 0.0f;
      y[column + 2] = out[i][n].z / sum[i] + 0.0f;
      y[column + 3] = out[i][n].w / sum[i] + 0.0f;
    }
  }
}

}  // namespace kigo::kernels::device
