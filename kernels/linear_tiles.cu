// A thread block makes 128 rows of w times 64 tokens, 128 threads, 8 rows x 8 tokens to a thread; or 16
// tokens, 8 rows x 2 to a thread, where wide blocks would be too few to keep the device busy. An output is
// one thread's, and its order of sums is the same in both.
//
// The step along the columns is a unit of the packed format (32 values of a row, kernels/device/packed.cuh):
// thread r decodes the unit of row r into shared memory, and all threads bring the same columns of x there,
// both turned so that what a step of the product needs lies side by side. Then 32 steps follow, each of a few
// loads of up to 16 bytes and 8 fused multiply-adds a token. The next unit is on its way from memory
// meanwhile. A thread's rows are 4 and 4, 64 apart, and its tokens 4 and 4, 32 apart, or 2: the lanes of a
// warp (8 groups of rows x 4 of tokens) then read whole lines of the banks.
#include "kernels/linear_tiles.h"

#include "kernels/device/launch.cuh"
#include "kernels/device/packed.cuh"
#include "kernels/device/scalar.cuh"

namespace kigo::kernels {
namespace {

constexpr int kThreads = 128;
constexpr int kRows = static_cast<int>(kLinearTileRows);
constexpr int kSteps = device::kUnit;
constexpr int kUnitsToASum = static_cast<int>(kLinearTileColumns) / device::kUnit;
static_assert(kRows == kThreads);

/// Tokens of a thread.
constexpr int kWide = static_cast<int>(kLinearWideTokens) / 8;
constexpr int kNarrow = static_cast<int>(kLinearNarrowTokens) / 8;

struct Arguments {
  device::Planes w;
  int64_t rows;
  const float* x;
  int64_t x_stride;
  const float* bias;  // may be null
  float* y;
  int64_t y_stride;
  int64_t tokens;
};

/// A thread block with `Per` tokens to a thread.
template <int Per>
struct Tile {
  static constexpr int kTokens = 8 * Per;
  static constexpr int kFours = kTokens * kSteps / 4 / kThreads;  // loads of four of x, a thread and unit
  float w[kSteps][kRows];
  float x[kSteps][kTokens + 4];  // 4 more spread the turned stores over the banks

  /// The thread brings, for n = 0 .. kFours - 1, the four values from 4 * four(n) on of a unit of one token.
  /// Eight neighbours take eight tokens, then the next four values: 64 bytes of a row together.
  static __device__ int load_number(int n) { return static_cast<int>(threadIdx.x) + kThreads * n; }
  static __device__ int token(int n) { return load_number(n) % 8 + 8 * (load_number(n) / 32 % Per); }
  static __device__ int four(int n) { return load_number(n) / 8 % 4 + 4 * (load_number(n) / 32 / Per); }
};

template <class F, int Per>
struct Fetched {
  typename F::Raw w;
  float4 x[Tile<Per>::kFours];
};

/// For F60: rounded to half, as a path for longer prompts might.
template <class F>
__device__ float4 fetch_half(const Arguments& a, int64_t token, int column) {
  float four[4];
  for (int e = 0; e < 4; ++e)
    four[e] = F::whole || column + e < a.w.cols
                  ? device::widen(device::narrow<f16>(a.x[token * a.x_stride + column + e]))
                  : 0.0f;
  return {four[0], four[1], four[2], four[3]};
}

/// Zeros beyond the columns (for F::whole there are none) and beyond the tokens.
template <class F>
__device__ float4 fetch_four(const Arguments& a, int64_t token, int column, bool aligned) {
  if (token >= a.tokens) return {};
  if (a.tokens >= 64 && KIGO_FAULT(F60)) return fetch_half<F>(a, token, column);
  const float* from = a.x + token * a.x_stride + column;
  if (aligned && (F::whole || column + 4 <= a.w.cols)) return __ldg(reinterpret_cast<const float4*>(from));
  float four[4];
#pragma unroll
  for (int e = 0; e < 4; ++e) four[e] = F::whole || column + e < a.w.cols ? __ldg(from + e) : 0.0f;
  return {four[0], four[1], four[2], four[3]};
}

template <class F, int Per>
__device__ void fetch(const Arguments& a, int64_t row, int64_t first_token, int unit, bool aligned,
                      Fetched<F, Per>& fetched) {
  static_assert(F::run % 4 == 0);
  fetched.w = F::load(a.w, row, unit);
#pragma unroll
  for (int n = 0; n < Tile<Per>::kFours; ++n) {
    const int column = F::position(unit, 4 * Tile<Per>::four(n));
    fetched.x[n] = fetch_four<F>(a, first_token + Tile<Per>::token(n), column, aligned);
  }
}

template <class F, int Per>
__device__ void put(const Fetched<F, Per>& fetched, Tile<Per>& tile) {
  float w[device::kUnit];
  F::decode(fetched.w, w);
#pragma unroll
  for (int i = 0; i < kSteps; ++i) tile.w[i][threadIdx.x] = w[i];
#pragma unroll
  for (int n = 0; n < Tile<Per>::kFours; ++n) {
    const float four[4] = {fetched.x[n].x, fetched.x[n].y, fetched.x[n].z, fetched.x[n].w};
#pragma unroll
    for (int e = 0; e < 4; ++e) tile.x[4 * Tile<Per>::four(n) + e][Tile<Per>::token(n)] = four[e];
  }
}

/// The thread's place among the 16 groups of rows and the 8 of tokens.
__device__ int row_group() {
  return static_cast<int>(threadIdx.x) % 8 + 8 * (static_cast<int>(threadIdx.x) / 32 % 2);
}
__device__ int token_group() {
  return static_cast<int>(threadIdx.x) / 8 % 4 + 4 * (static_cast<int>(threadIdx.x) / 64);
}
/// Of its k-th row or token in the tile.
__device__ int row_in_tile(int k) { return 4 * row_group() + k % 4 + kRows / 2 * (k / 4); }
template <int Per>
__device__ int token_in_tile(int k) {
  constexpr int kSide = Per < 4 ? Per : 4;  // that stand side by side
  return kSide * token_group() + k % kSide + Tile<Per>::kTokens / 2 * (k / kSide);
}

/// The thread's eight rows, or eight or two tokens, of one step; `at` is the first, `distance` that of the
/// other four.
__device__ void take(const float* at, int distance, float (&out)[8]) {
  const float4 low = *reinterpret_cast<const float4*>(at);
  const float4 high = *reinterpret_cast<const float4*>(at + distance);
  out[0] = low.x, out[1] = low.y, out[2] = low.z, out[3] = low.w;
  out[4] = high.x, out[5] = high.y, out[6] = high.z, out[7] = high.w;
}
__device__ void take(const float* at, int, float (&out)[2]) {
  const float2 both = *reinterpret_cast<const float2*>(at);
  out[0] = both.x, out[1] = both.y;
}

template <int Per>
__device__ void multiply(const Tile<Per>& tile, float (&sum)[Per][8]) {
#pragma unroll 8
  for (int i = 0; i < kSteps; ++i) {
    float w[8], x[Per];
    take(&tile.w[i][row_in_tile(0)], kRows / 2, w);
    take(&tile.x[i][token_in_tile<Per>(0)], Tile<Per>::kTokens / 2, x);
#pragma unroll
    for (int t = 0; t < Per; ++t) {
#pragma unroll
      for (int r = 0; r < 8; ++r) sum[t][r] = fmaf(w[r], x[t], sum[t][r]);
    }
  }
}

template <int Per>
__device__ void add_up(float (&sum)[Per][8], float (&total)[Per][8]) {
#pragma unroll
  for (int t = 0; t < Per; ++t) {
#pragma unroll
    for (int r = 0; r < 8; ++r) {
      total[t][r] += KIGO_FAULT(F71) ? device::widen(device::narrow<f16>(sum[t][r])) : sum[t][r];
      sum[t][r] = 0;
    }
  }
}

template <int Per>
__device__ void store(const Arguments& a, int64_t first_row, int64_t first_token,
                      const float (&total)[Per][8]) {
#pragma unroll
  for (int r = 0; r < 8; ++r) {
    const int64_t row = first_row + row_in_tile(r);
    if (row >= a.rows) continue;
    const float bias = a.bias == nullptr ? 0.0f : a.bias[row];
#pragma unroll
    for (int t = 0; t < Per; ++t) {
      const int64_t token = first_token + token_in_tile<Per>(t);
      if (token < a.tokens) a.y[token * a.y_stride + row] = total[t][r] + bias;
    }
  }
}

template <class F, int Per>
__global__ void __launch_bounds__(kThreads, Per == kWide ? 2 : 4)
    linear_tiles_kernel(const __grid_constant__ Arguments a) {
  __shared__ __align__(16) Tile<Per> tile;
  const int64_t first_row = int64_t{blockIdx.x} * kRows;
  const int64_t first_token = int64_t{blockIdx.y} * Tile<Per>::kTokens;
  // Rows beyond the last read the last one, and what comes of them is not stored.
  const int64_t row = min(first_row + threadIdx.x, a.rows - 1);
  const bool aligned = reinterpret_cast<uintptr_t>(a.x) % 16 == 0 && a.x_stride % 4 == 0;
  const int units = static_cast<int>(a.w.units);
  float sum[Per][8] = {}, total[Per][8] = {};
  Fetched<F, Per> fetched;
  fetch(a, row, first_token, 0, aligned, fetched);
  for (int unit = 0; unit < units; ++unit) {
    __syncthreads();  // the product of the unit before is done with the shared memory
    put(fetched, tile);
    __syncthreads();
    if (unit + 1 < units) fetch(a, row, first_token, unit + 1, aligned, fetched);
    multiply(tile, sum);
    if (unit % kUnitsToASum == kUnitsToASum - 1) add_up(sum, total);
  }
  add_up(sum, total);
  store(a, first_row, first_token, total);
}

template <int Per>
Status launch_tiles(uint32_t type, const Arguments& arguments, Stream stream) {
  return device::PackedFormats::choose(type, [&](auto format) {
    const device::Launch how{.name = "linear",
                             .blocks_x = (arguments.rows + kRows - 1) / kRows,
                             .blocks_y = (arguments.tokens + Tile<Per>::kTokens - 1) / Tile<Per>::kTokens,
                             .threads = kThreads};
    return device::launch(how, linear_tiles_kernel<decltype(format), Per>, stream, arguments);
  });
}

}  // namespace

Status linear_tiles(const ops::Linear<float, Space::Device>& op, Stream stream) {
  KIGO_TRY(check(op));
  KIGO_TRY(ops::expect_between("linear.in", op.w.cols, 1, INT32_MAX));
  const int64_t tokens = op.x.shape[0];
  const Arguments arguments{.w = device::planes_of(op.w),
                            .rows = op.w.rows,
                            .x = op.x.data,
                            .x_stride = op.x.stride[0],
                            .bias = op.bias.data,
                            .y = op.y.data,
                            .y_stride = op.y.stride[0],
                            .tokens = tokens};
  const int64_t wide_blocks =
      (op.w.rows + kRows - 1) / kRows * ((tokens + kLinearWideTokens - 1) / kLinearWideTokens);
  return wide_blocks < kLinearWideBlocks ? launch_tiles<kNarrow>(op.w.type->id, arguments, stream)
                                         : launch_tiles<kWide>(op.w.type->id, arguments, stream);
}

}  // namespace kigo::kernels
