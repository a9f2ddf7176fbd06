// Attention of few queries: the context is split among blocks, and the last block to finish puts the parts
// together.
//
// Block (s, y, t) serves token t and up to 8 query heads of one KV head, one warp a head. It takes the chunks
// s, s + splits, s + 2 splits ... of 32 positions; chunks beyond positions[t] do not exist, and a block
// without any ends at once. All warps load a chunk's keys and values into shared memory; then each warp works
// alone: a lane is a position while scores are made, and pairs of dimensions while values are mixed. Which
// position meets which in what order depends on the position alone, never on timing: the last block adds the
// parts in the order of s.
#pragma once

#include "core/ops/paged_attention.h"
#include "kernels/device/attention_tile.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/reduce.cuh"
#include "kernels/paged_attention.h"

namespace kigo::kernels::device {

constexpr int kDecodeHeads = 8;  // at most, a block
static_assert(kDecodeChunk == kWarp && kDecodeSplits % kWarp == 0);

/// What a warp knows of its query head so far: the largest score, and, relative to it, the sum of the weights
/// and the weighted sum of the values, of which a lane holds dimensions 2 (lane + 32 n) and the one after.
template <int HeadDim>
struct Mix {
  static constexpr int kPairs = (HeadDim / 2 + kWarp - 1) / kWarp;
  float largest = -INFINITY;
  float sum = 0;
  float2 value[kPairs] = {};
};

/// A chunk's rows in shared memory; one unit of padding a row spreads a column over all banks.
template <class C, int HeadDim>
struct Chunk {
  static constexpr int kUnits = HeadDim / kUnit<C>;
  uint4 row[kDecodeChunk][kUnits + 1];
};

struct PagesOfChunk {
  int32_t first, second;
};

/// Starts the copies of `count` rows from position `first` on, which lie in `pages`; the other rows become 0.
template <class C, int HeadDim>
__device__ void load_chunk(Chunk<C, HeadDim>& chunk, const View<const C, 4, Space::Device>& pool,
                           PagesOfChunk pages, int64_t kv_head, int64_t first, int count) {
  constexpr int kUnits = Chunk<C, HeadDim>::kUnits;
  for (int at = static_cast<int>(threadIdx.x); at < kDecodeChunk * kUnits;
       at += static_cast<int>(blockDim.x)) {
    const int row = at / kUnits, unit = at % kUnits;
    uint4* to = &chunk.row[row][unit];
    if (row < count) {
      const int page = row < ops::kPagePositions ? pages.first : pages.second;
      copy_async(to, row_of(pool, page, kv_head, first + row) + unit * kUnit<C>);
    } else {
      *to = uint4{0, 0, 0, 0};
    }
  }
  end_copy_group();
}

/// The dot product of the query and the key in this lane's row.
template <class C, int HeadDim>
__device__ float score_of(const Chunk<C, HeadDim>& keys, const float* query, int lane) {
  float dot[4] = {};
#pragma unroll
  for (int unit = 0; unit < Chunk<C, HeadDim>::kUnits; ++unit) {
    float key[kUnit<C>];
    widen_unit(keys.row[lane][unit], key);
#pragma unroll
    for (int e = 0; e < kUnit<C>; e += 4) {
      const float4 q = *reinterpret_cast<const float4*>(query + unit * kUnit<C> + e);
      dot[0] += q.x * key[e];
      dot[1] += q.y * key[e + 1];
      dot[2] += q.z * key[e + 2];
      dot[3] += q.w * key[e + 3];
    }
  }
  return (dot[0] + dot[1]) + (dot[2] + dot[3]);
}

/// Adds a chunk's values to the mix, with the weights that the warp's lanes hold for their positions.
template <class C, int HeadDim>
__device__ void mix_chunk(Mix<HeadDim>& mix, const Chunk<C, HeadDim>& values, float decay,
                          const float* weights, int lane) {
#pragma unroll
  for (float2& value : mix.value) value = {value.x * decay, value.y * decay};
#pragma unroll 8
  for (int row = 0; row < kDecodeChunk; ++row) {
    const C* data = reinterpret_cast<const C*>(&values.row[row][0]);
#pragma unroll
    for (int n = 0; n < Mix<HeadDim>::kPairs; ++n) {
      const int pair = lane + kWarp * n;
      if (pair >= HeadDim / 2) continue;
      const float2 v = load_pair(data, pair);
      mix.value[n].x += weights[row] * v.x;
      mix.value[n].y += weights[row] * v.y;
    }
  }
}

/// The workspace: for every (token, head, split) the largest score and the sum; behind them all, the mixes.
struct Parts {
  float* sums;
  float* mixes;
  __device__ Parts(float* workspace, int64_t tokens, int64_t heads, int64_t splits, int64_t row, int head_dim)
      : sums(workspace + row * splits * 2),
        mixes(workspace + tokens * heads * splits * 2 + row * splits * head_dim) {}
};

template <int HeadDim>
__device__ void store_part(const Parts& parts, const Mix<HeadDim>& mix, int64_t split, int lane) {
  if (lane == 0) {
    parts.sums[2 * split] = mix.largest;
    parts.sums[2 * split + 1] = mix.sum;
  }
#pragma unroll
  for (int n = 0; n < Mix<HeadDim>::kPairs; ++n) {
    const int pair = lane + kWarp * n;
    if (pair >= HeadDim / 2) continue;
    parts.mixes[split * HeadDim + 2 * pair] = mix.value[n].x;
    parts.mixes[split * HeadDim + 2 * pair + 1] = mix.value[n].y;
  }
}

/// The mix of all parts, added in the order of their splits. `factors`: 64 floats of this warp.
template <int HeadDim>
__device__ Mix<HeadDim> combine(const Parts& parts, int active, float* factors, int lane) {
  constexpr int kEach = kDecodeSplits / kWarp;
  float largest[kEach], sum[kEach];
  Mix<HeadDim> mix;
#pragma unroll
  for (int n = 0; n < kEach; ++n) {
    const int split = lane + kWarp * n;
    largest[n] = split < active ? __ldcg(parts.sums + 2 * split) : -INFINITY;
    sum[n] = split < active ? __ldcg(parts.sums + 2 * split + 1) : 0.0f;
    mix.largest = fmaxf(mix.largest, largest[n]);
  }
  mix.largest = warp_max(mix.largest);
#pragma unroll
  for (int n = 0; n < kEach; ++n) {
    const float factor = expf(largest[n] - mix.largest);
    factors[lane + kWarp * n] = factor;
    mix.sum += factor * sum[n];
  }
  mix.sum = warp_sum(mix.sum);
  __syncwarp();
#pragma unroll 8
  for (int split = 0; split < active; ++split) {
#pragma unroll
    for (int n = 0; n < Mix<HeadDim>::kPairs; ++n) {
      const int pair = lane + kWarp * n;
      if (pair >= HeadDim / 2) continue;
      mix.value[n].x += factors[split] * __ldcg(parts.mixes + split * HeadDim + 2 * pair);
      mix.value[n].y += factors[split] * __ldcg(parts.mixes + split * HeadDim + 2 * pair + 1);
    }
  }
  return mix;
}

template <int HeadDim>
__device__ void store_result(float* y, const Mix<HeadDim>& mix, int lane) {
#pragma unroll
  for (int n = 0; n < Mix<HeadDim>::kPairs; ++n) {
    const int pair = lane + kWarp * n;
    if (pair >= HeadDim / 2) continue;
    y[2 * pair] = mix.value[n].x / mix.sum;
    y[2 * pair + 1] = mix.value[n].y / mix.sum;
  }
}

/// True in every thread of the block that finishes last of `active`; what the others stored is visible to it.
__device__ inline bool is_last_block(uint32_t* ticket, int active) {
  __shared__ bool last;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    last = atomicAdd(ticket, 1u) == static_cast<uint32_t>(active - 1);
    if (last) *ticket = 0;
  }
  __syncthreads();
  __threadfence();
  return last;
}

/// Grid: splits, kv_heads * parts of a group, tokens. Block: one warp for each of the heads that share it.
template <class C, int HeadDim>
__global__ void __launch_bounds__(kWarp* kDecodeHeads)
    paged_attention_decode_kernel(ops::PagedAttention<float, C, Space::Device> op, int parts_a_group,
                                  float scale) {
  __shared__ Chunk<C, HeadDim> keys;
  __shared__ Chunk<C, HeadDim> values;
  __shared__ alignas(16) float queries[kDecodeHeads][HeadDim];
  __shared__ float weights[kDecodeHeads][kDecodeSplits];  // of a chunk's 32 positions; at the end, of splits
  wait_for_predecessor();
  let_successor_start();
  const int64_t token = blockIdx.z, split = blockIdx.x, splits = gridDim.x;
  // The pages are read beside the position, not after it. What an odd table lacks is never used.
  const auto pages_of = [&](int64_t chunk) {
    const int64_t first = chunk * (kDecodeChunk / ops::kPagePositions);
    return PagesOfChunk{op.cache.table.data[first],
                        op.cache.table.data[min(first + 1, op.cache.table.shape[0] - 1)]};
  };
  PagesOfChunk pages = pages_of(split);
  int64_t position = op.positions.data[token];
  if (position > 0 && KIGO_FAULT(F36a)) --position;
  if (KIGO_FAULT(F69)) ++position;
  const int64_t chunks = position / kDecodeChunk + 1;
  if (split >= chunks) return;

  const int warp = static_cast<int>(threadIdx.x) / kWarp, lane = static_cast<int>(threadIdx.x) % kWarp;
  const int64_t heads = op.q.shape[1];
  const int64_t kv_head = blockIdx.y / parts_a_group;
  const int64_t group = heads / op.cache.k.shape[1];
  const int64_t in_group = blockIdx.y % parts_a_group * (blockDim.x / kWarp) + warp;
  const bool has_head = in_group < group;  // else the warp helps to load, and what it computes is dropped
  const int64_t member = has_head ? in_group : 0;
  const int64_t head = KIGO_FAULT(F33) ? member * op.cache.k.shape[1] + kv_head : kv_head * group + member;
  Mix<HeadDim> mix;
  for (int64_t chunk = split; chunk < chunks; chunk += splits) {
    const int64_t first = chunk * kDecodeChunk;
    const int count = static_cast<int>(min(int64_t{kDecodeChunk}, position + 1 - first));
    if (chunk != split) pages = pages_of(chunk);
    load_chunk(keys, op.cache.k, pages, kv_head, first, count);
    load_chunk(values, op.cache.v, pages, kv_head, first, count);
    if (chunk == split) {
      const float* q = op.q.data + token * op.q.stride[0] + head * op.q.stride[1];
      for (int i = lane; i < HeadDim; i += kWarp) queries[warp][i] = q[i];
    }
    wait_for_copies<1>();
    __syncthreads();
    const float score = lane < count ? score_of(keys, queries[warp], lane) * scale : -INFINITY;
    const float largest = KIGO_FAULT(F35) ? 0 : fmaxf(mix.largest, warp_max(score));
    const float weight = expf(score - largest);
    const float decay = expf(mix.largest - largest);
    weights[warp][lane] = weight;
    mix.sum = mix.sum * decay + warp_sum(weight);
    mix.largest = largest;
    wait_for_copies<0>();
    __syncthreads();
    mix_chunk(mix, values, decay, weights[warp], lane);
    __syncthreads();
  }

  float* y = op.y.data + token * op.y.stride[0] + head * op.y.stride[1];
  const int active = static_cast<int>(min(chunks, splits));
  if (active > 1) {
    const Parts parts(op.workspace.data, op.q.shape[0], heads, splits, token * heads + head, HeadDim);
    if (has_head) store_part(parts, mix, split, lane);
    if (!is_last_block(op.tickets.data + token * gridDim.y + blockIdx.y, active)) return;
    mix = combine<HeadDim>(parts, active, weights[warp], lane);
  }
  if (has_head) store_result(y, mix, lane);
}

}  // namespace kigo::kernels::device
