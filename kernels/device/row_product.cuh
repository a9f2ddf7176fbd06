// Matrix times one vector for packed weights: what the plain product of few tokens and the fused kernels of a
// decode step share.
//
// Layout of threads. A row is cut into units of 32 values, one unit a lane: `parts` warps cover a row (at
// most 20, then the row is walked in `slices`), and `teams` of so many warps in a block take different rows.
// A lane keeps the 32 values of x that belong to its unit in registers, as integers for formats whose codes
// are (fixed_point.cuh), and uses them for every row of its team; it holds 2 or 4 rows of weights in flight:
// while one is multiplied, the next ones are on their way.
// The sums of the lanes of a warp meet in a tree, several rows at once; the sums of a row's parts meet in
// shared memory, added in order of the parts. Which lane adds what depends on the row's length alone, so a
// row's bits do not depend on its place, on the grid or on the device.
//
// x goes through shared memory, 36 words to a unit: lanes that read 16 bytes each meet no bank twice.
// Weights of the first rows are loaded before the wait for the preceding kernel, everything else after it.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>

#include "kernels/device/fault.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/packed.cuh"
#include "kernels/device/reduce.cuh"
#include "kernels/device/scalar.cuh"

namespace kigo::kernels::device {

// 20 warps of 96 registers fill a multiprocessor's 65536; with 4 rows of 16 to 24 bytes a lane in flight that
// is more than 40 KiB on their way, which the latency of the memory asks for.
constexpr int kProductWarps = 20;
constexpr int kProductThreads = kProductWarps * kWarp;
constexpr int kPartialFloats = 4096;  // sums of parts that wait in shared memory

/// How a block is laid out for rows of one length.
struct RowPlan {
  int parts = 0;       // warps that cover a row, or a slice of it
  int slices = 0;      // walks over the row
  int teams = 0;       // of `parts` warps in a block
  int tile = 0;        // rows of a block between two barriers
  int64_t blocks = 0;  // that are resident on the whole device
  int threads = 0;
  int64_t shared_bytes = 0;
  uint32_t none = 0;  // no bits, which the compiler of a kernel cannot know

  __host__ __device__ int slice_units() const { return parts * kWarp; }
  __host__ __device__ int x_floats() const { return slice_units() * kSlotWords; }
};

/// Of the current device, asked for once.
inline int multiprocessors() {
  static const int count = [] {
    int device = 0, found = 0;
    const bool known = cudaGetDevice(&device) == cudaSuccess &&
                       cudaDeviceGetAttribute(&found, cudaDevAttrMultiProcessorCount, device) == cudaSuccess;
    return known && found > 0 ? found : 132;  // of an H100 or H200; where asking fails, launching will
  }();
  return count;
}

/// For rows of this many units, of which there are `rows` in all.
inline RowPlan plan_rows(int64_t units, int64_t rows) {
  RowPlan plan;
  const int warps = static_cast<int>((units + kWarp - 1) / kWarp);
  plan.slices = (warps + kProductWarps - 1) / kProductWarps;
  plan.parts = (warps + plan.slices - 1) / plan.slices;
  // Two blocks a multiprocessor where they hold as many warps as one: the next kernel's first block then
  // moves in while the last one here still runs.
  const int in_one = kProductWarps / plan.parts, in_half = kProductWarps / 2 / plan.parts;
  const bool two = 2 * in_half == in_one;
  const int most = two ? in_half : in_one;
  plan.blocks = int64_t{two ? 2 : 1} * multiprocessors();
  // Few rows are dealt out to all multiprocessors rather than to few full blocks.
  plan.teams =
      static_cast<int>(std::clamp<int64_t>((rows + multiprocessors() - 1) / multiprocessors(), 1, most));
  plan.threads = plan.teams * plan.parts * kWarp;
  plan.tile = kPartialFloats / plan.parts / 2 * 2;  // rows that come in pairs stay together
  plan.shared_bytes = static_cast<int64_t>(sizeof(float)) * (plan.x_floats() + kPartialFloats + kWarp);
  return plan;
}

/// Rows for each block so that all blocks are resident at once and none has more than the others by a group;
/// a multiple of `group`.
inline int64_t rows_per_block(const RowPlan& plan, int64_t rows, int64_t group) {
  const int64_t groups = (rows + group - 1) / group;
  const int64_t even = (groups + plan.blocks - 1) / plan.blocks;
  return group * std::max<int64_t>(even, (plan.teams + group - 1) / group);
}
inline int64_t blocks_for(int64_t rows, int64_t per_block) { return (rows + per_block - 1) / per_block; }

/// Errors: unsupported for a type that has no packed form.
inline Status expect_packed(std::string_view subject, const ops::Matrix<Space::Device>& matrix) {
  if (ops::find_packing(matrix.type->id) != nullptr) return {};
  return fail(Code::unsupported, std::string(subject), std::string(matrix.type->name),
              "a type that has a packed form");
}

/// Where this thread stands in its block.
struct RowThread {
  int lane, part, team;
  __device__ explicit RowThread(const RowPlan& plan) {
    const int thread = static_cast<int>(threadIdx.x), warp = thread / kWarp;
    lane = thread % kWarp;
    part = warp % plan.parts;
    team = warp / plan.parts;
  }
};

/// The dynamic shared memory: x, then the sums of the parts, then a sum of squares per warp.
struct RowShared {
  float* x;
  float* partial;
  float* squares;
  __device__ explicit RowShared(const RowPlan& plan) {
    extern __shared__ __align__(16) float memory[];
    x = memory;
    partial = x + plan.x_floats();
    squares = partial + kPartialFloats;
  }
};

/// The vector that the rows are multiplied with: x, or x * weight with its sum of squares on the side.
struct RowInput {
  const float* x = nullptr;       // written by the predecessor
  const float* weight = nullptr;  // of a norm, or none
  float eps = 0;
  int cols = 0;
};

/// Calls use(slot, word, four values) for each four of a slice's columns: those of `from` from column `first`
/// on, and zeros beyond the last column. They are the `word`-th four of the slot. Which thread takes which is
/// always the same: eight neighbours take a slot, all lanes of a warp four slots. Load: how float and float4
/// are read; Batch reads are under way at a time.
template <int Batch, class Load, class Use>
__device__ void for_each_four(const RowPlan& plan, const float* from, int first, int cols, float* slots,
                              Load&& load, Use&& use) {
  const int thread = static_cast<int>(threadIdx.x), threads = static_cast<int>(blockDim.x), word = thread % 8;
  const int count = plan.slice_units() * (kUnit / 4);
  const bool aligned = reinterpret_cast<uintptr_t>(from) % 16 == 0 && cols % 4 == 0;
  float* slot = slots + thread / 8 * kSlotWords;
  from += first;
  cols -= first;
  if (aligned) {
    for (int n = thread; n < count; n += Batch * threads) {
      float4 four[Batch];
#pragma unroll
      for (int b = 0; b < Batch; ++b) {
        const int own = n + b * threads;
        four[b] = own < cols / 4 ? load(reinterpret_cast<const float4*>(from) + own) : float4{0, 0, 0, 0};
      }
#pragma unroll
      for (int b = 0; b < Batch; ++b) {
        if (n + b * threads < count) use(slot, word, four[b]);
        slot += threads / 8 * kSlotWords;
      }
    }
  } else {
#pragma unroll 1
    for (int n = thread; n < count; n += threads) {
      float value[4];
#pragma unroll
      for (int k = 0; k < 4; ++k) value[k] = 4 * n + k < cols ? load(from + 4 * n + k) : 0.0f;
      use(slot, word, float4{value[0], value[1], value[2], value[3]});
      slot += threads / 8 * kSlotWords;
    }
  }
}

/// The norm's weights of the columns from `first` on, into the places where x will stand. Before the wait.
__device__ inline void stage_weight(const RowPlan& plan, const RowInput& in, int first, float* slots) {
  for_each_four<4>(
      plan, in.weight, first, in.cols, slots, [](const auto* at) { return __ldg(at); },
      [&](float* slot, int word, float4 weight) { floats_at(slot, word) = weight; });
}

/// x of the columns from `first` on, multiplied with what stage_weight() left there, as floats or as
/// integers. Each thread takes the columns it took there. Returns this thread's sum of squares. x is read
/// past the first-level cache: an older x of the same address may lie there.
template <bool Norm, bool Fixed>
__device__ float stage_x(const RowPlan& plan, const RowInput& in, int first, float* slots) {
  float squares = 0;
  for_each_four<Norm ? 4 : 8>(
      plan, in.x, first, in.cols, slots, [](const auto* at) { return __ldcg(at); },
      [&](float* slot, int word, float4 x) {
        if constexpr (Norm) {
          squares = fmaf(x.x, x.x, squares);
          squares = fmaf(x.y, x.y, squares);
          squares = fmaf(x.z, x.z, squares);
          squares = fmaf(x.w, x.w, squares);
          const float4 weight = floats_at(slot, word);
          x = {x.x * weight.x, x.y * weight.y, x.z * weight.z, x.w * weight.w};
        }
        if constexpr (Fixed) {
          __syncwarp();  // the norm's weights of this slot are read
          store_fixed(slot, word, x);
        } else {
          floats_at(slot, word) = x;
        }
      });
  return squares;
}

/// Rows of which a lane holds a unit in flight, as many as registers allow.
template <class F>
constexpr int rows_in_flight() {
  if constexpr (requires { F::in_flight; }) return F::in_flight;
  return sizeof(typename F::Raw) <= 32 ? 4 : sizeof(typename F::Raw) < 64 ? 2 : 1;
}

/// What a lane holds of a row that does not exist.
template <class F>
__device__ typename F::Raw blank(int unit) {
  typename F::Raw raw = {};
  if constexpr (requires { raw.unit; })
    raw.unit = unit;  // the same in all rows: it costs one register in all
  return raw;
}

/// Sums each of N values over a warp with fewer exchanges than one after another: at every level half of the
/// values go to the other half of the lanes. The lane gets the total of value lane / (32 / N).
template <int N>
__device__ float sum_rows(float (&value)[N], int lane) {
  int distance = kWarp / 2;
#pragma unroll
  for (int half = N / 2; half > 0; half /= 2, distance /= 2) {
    const bool upper = (lane & distance) != 0;
#pragma unroll
    for (int i = 0; i < half; ++i) {
      const float away = upper ? value[i] : value[i + half];
      const float mine = upper ? value[i + half] : value[i];
      value[i] = mine + __shfl_xor_sync(kAllLanes, away, distance);
    }
  }
  float total = value[0];
  for (; distance > 0; distance /= 2) total += __shfl_xor_sync(kAllLanes, total, distance);
  return total;
}

/// The rows of one matrix from `first` on, as multiply_rows() takes them.
struct MatrixRows {
  const Planes& w;
  int64_t first;
  __device__ const Planes& planes(int) const { return w; }
  __device__ int units() const { return static_cast<int>(w.units); }
  __device__ int64_t row(int v) const { return first + v; }
};

/// One walk of a block over `count` rows (at most the plan's tile): the sum of row v's part p becomes
/// partial[v * parts + p], or is added to it for a slice after the first. `source` says where row v lies:
/// planes(v), row(v). `stage` is called by every thread once the first weights are on their way; on its
/// return x is in shared memory. The caller meets the block at a barrier before it reads the sums.
template <class F, class Source, class Stage>
__device__ void multiply_rows(const RowPlan& plan, const RowShared& shared, const Source& source, int count,
                              int slice, Stage&& stage) {
  constexpr int kDepth = rows_in_flight<F>();
  const RowThread thread(plan);
  const int begin = count * thread.team / plan.teams, end = count * (thread.team + 1) / plan.teams;
  // Lanes beyond the row's end take its last unit and zeros for x.
  const int own = slice * plan.slice_units() + thread.part * kWarp + thread.lane;
  int unit = min(own, source.units() - 1);
  const int unit_of_slice = unit - slice * plan.slice_units();
  typename F::Raw flying[kDepth];
  const auto load = [&](int d, int v) { flying[d] = F::load(source.planes(v), source.row(v), unit); };
#pragma unroll
  for (int d = 0; d < kDepth; ++d) {
    flying[d] = blank<F>(unit);  // or the registers would stay reserved all around the loops outside
    if (begin < end) load(d, min(begin + d, end - 1));
  }
  stage();
  auto x = F::Vector::load(shared.x, unit_of_slice);
  if (own >= source.units()) x = {};
  for (int v = begin; v < end; v += kDepth) {
    float dot[kDepth];
#pragma unroll
    for (int d = 0; d < kDepth; ++d) dot[d] = F::dot(flying[d], x);
    if (v + kDepth < end) {
      // A load that may not happen becomes a branch, and within it the compiler waits for the loads before
      // it: so a last row is loaded again instead. The loads start when all sums are made, not in registers
      // of their own before.
      uint32_t used = 0;
#pragma unroll
      for (int d = 0; d < kDepth; ++d) used |= __float_as_uint(dot[d]);
      unit |= static_cast<int>(used & plan.none);
#pragma unroll
      for (int d = 0; d < kDepth; ++d) load(d, min(v + kDepth + d, end - 1));
    }
    const float total = sum_rows(dot, thread.lane);
    constexpr int kLanes = kWarp / kDepth;  // that hold the total of one row
    const int mine = v + thread.lane / kLanes;
    if (thread.lane % kLanes == 0 && mine < end) {
      float& partial = shared.partial[mine * plan.parts + thread.part];
      partial = slice == 0 ? total : partial + total;
    }
  }
}

#ifdef KIGO_FAULTS
/// For F51: in an order that the time decides, as atomics add in the order of arrival.
__device__ inline float sum_as_they_come(const float* partial, int parts) {
  const int first = static_cast<int>(clock64() / 64 % parts);
  float sum = 0;
  for (int p = 0; p < parts; ++p) sum += partial[(first + p) % parts];
  return sum;
}
#else
__device__ inline float sum_as_they_come(const float* partial, int) { return partial[0]; }
#endif
__device__ inline float rounded_to_half(float value) { return widen(narrow<f16>(value)); }  // for F71

/// The sum of a slot's parts, in order.
__device__ inline float sum_of_parts(const RowPlan& plan, const RowShared& shared, int slot) {
  const float* partial = shared.partial + slot * plan.parts;
  if (KIGO_FAULT(F51)) return sum_as_they_come(partial, plan.parts);
  float sum = partial[0];
  for (int p = 1; p < plan.parts; ++p) sum += KIGO_FAULT(F71) ? rounded_to_half(partial[p]) : partial[p];
  return KIGO_FAULT(F71) ? rounded_to_half(sum) : sum;
}

/// Leaves the block's sum of squares of this slice beside those of the slices before; the next barrier makes
/// it readable by root_of_squares().
__device__ inline void keep_squares(const RowShared& shared, float squares, bool first_slice) {
  squares = warp_sum(squares);
  if (threadIdx.x % kWarp != 0) return;
  float& kept = shared.squares[threadIdx.x / kWarp];
  kept = first_slice ? squares : kept + squares;
}

/// sqrt(mean x^2 + eps) from what keep_squares() left.
__device__ inline float root_of_squares(const RowShared& shared, const RowInput& in) {
  float squares = 0;
  for (int w = 0; w < static_cast<int>(blockDim.x) / kWarp; ++w) squares += shared.squares[w];
  return sqrtf(squares / static_cast<float>(in.cols) + in.eps);
}

/// A block's whole work on `rows` rows that are `Norm`ed or plain, of format F: sums, then
/// `finish(first, count)` for each tile, in which the sums of the tile's slots can be read; `finish` is
/// called by every thread. `source(first)`: the rows from `first` on, as multiply_rows() takes them.
template <class F, bool Norm, class SourceOf, class Finish>
__device__ void walk_rows(const RowPlan& plan, const RowShared& shared, const RowInput& in, int rows,
                          SourceOf&& source, Finish&& finish) {
  // What follows from the loops' variables is not kept in variables of its own: those would be spilled, and
  // read back behind the first weights.
  // Blocks without rows wait as well: the next kernel counts on it that this one ended after its predecessor.
  if (rows == 0) wait_for_predecessor();
  for (int first = 0; first < rows; first += plan.tile) {
    const int count = min(plan.tile, rows - first);
    for (int slice = 0; slice < plan.slices; ++slice) {
      const auto stage = [&] {
        const bool earlier = first != 0 || slice != 0;
        if (earlier && plan.slices == 1) return;  // x stays where it is
        const int column = slice * plan.slice_units() * kUnit;
        if (earlier) __syncthreads();  // until nobody reads the slice before
        if constexpr (Norm) stage_weight(plan, in, column, shared.x);
        if (!earlier) {
          let_successor_start();
          wait_for_predecessor();
        }
        const float squares = stage_x<Norm, F::fixed>(plan, in, column, shared.x);
        if constexpr (Norm) {
          if (first == 0) keep_squares(shared, squares, slice == 0);
        }
        __syncthreads();
      };
      multiply_rows<F>(plan, shared, source(first), count, slice, stage);
    }
    __syncthreads();
    finish(first, count);
    if (first + plan.tile < rows) __syncthreads();  // until nobody reads the sums of this tile
  }
}

}  // namespace kigo::kernels::device
