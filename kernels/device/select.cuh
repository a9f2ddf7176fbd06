// Finds, in rows of logits, where the k first, or those with a share p of the probability, end.
//
// A search through the 64 bits of the ordered keys, 8 at a time from the top. Each of 8 launches lets one
// block a tile add the masses of its columns (1 each, or their weights) to 256 bins, for the columns that
// share the bits found so far; the last block to finish walks the bins from the top, finds the one in which
// the target is reached, and leaves the rest of the target to the next launch. Masses are whole numbers, so
// that neither their order nor the atomic additions matter: a weight is rounded to a multiple of 2^-62 and
// kept as two sums, of its upper and its lower 31 bits.
#pragma once

#include "kernels/device/logits.cuh"

namespace kigo::kernels::device {

constexpr int kBins = 256;
using Mass = unsigned __int128;  // in units of 2^-62, or of one column

/// Of one row, in the workspace.
struct Search {
  uint64_t key;   // the bits found so far; in the end the key of the last column that is kept
  uint64_t kept;  // in the end: how many of the columns with this key are kept, lowest ids first
  uint64_t target_high, target_low;  // the mass that is still to be reached, at least 1
  uint64_t ticket;                   // blocks that have finished this launch
  uint64_t unused[3];
};
struct SelectSpace {
  uint64_t* maxima;  // [rows, tiles]
  uint64_t* bins;    // [rows, 256, 2], upper and lower sums; zero between launches
  Search* search;    // [rows]
};
inline SelectSpace select_space(uint64_t* workspace, int64_t rows, int64_t width) {
  uint64_t* bins = workspace + row_workspace(rows, width);
  return {workspace, bins, reinterpret_cast<Search*>(bins + rows * kBins * 2)};
}

/// What is to be reached: by weight a share of all weights, else a number of ids.
struct Target {
  int64_t count = 0;
  double share = 0;
};

__device__ inline uint64_t units_of(double x, double largest) {
  return __double2ull_rn(exp(x - largest) * 0x1p62);  // at most 2^62
}

/// Grid: 1, rows.
template <bool ByWeight>
__global__ void start_search_kernel(SelectSpace space, Target target) {
  const int64_t row = blockIdx.y;
  space.bins[(row * kBins + threadIdx.x) * 2] = 0;
  space.bins[(row * kBins + threadIdx.x) * 2 + 1] = 0;
  if (threadIdx.x == 0) space.search[row] = {0, 0, 0, static_cast<uint64_t>(target.count), 0, {0, 0, 0}};
}

/// The last block's part: which bin reaches the target. One thread; 256 steps.
template <bool ByWeight>
__device__ void walk_bins(Search& search, const uint64_t (&high)[kBins], const uint64_t (&low)[kBins],
                          const Target& target, int pass) {
  const auto mass = [&](int bin) { return (Mass{high[bin]} << 31) + low[bin]; };
  Mass left = Mass{search.target_high} << 64 | search.target_low;
  if (ByWeight && pass == 0) {
    Mass total = 0;
    for (int bin = 0; bin < kBins; ++bin) total += mass(bin);
    const double exact = ceil(__ull2double_rn(static_cast<uint64_t>(total >> 31)) * 0x1p31 * target.share +
                              __ull2double_rn(static_cast<uint64_t>(total & 0x7FFFFFFFu)) * target.share);
    const auto high_part = static_cast<uint64_t>(exact * 0x1p-64);
    left = Mass{high_part} << 64 | static_cast<uint64_t>(exact - static_cast<double>(high_part) * 0x1p64);
    left = left > total ? total : left;
    left = left == 0 ? 1 : left;
  }
  // The target is at most the mass of all bins, so that one of them reaches it.
  int bin = kBins - 1;
  while (bin > 0 && mass(bin) < left) left -= mass(bin--);
  search.key = search.key << 8 | static_cast<uint64_t>(bin);
  search.target_high = static_cast<uint64_t>(left >> 64);
  search.target_low = static_cast<uint64_t>(left);
}

/// Grid: tiles, rows.
template <bool ByWeight>
__global__ void search_kernel(Logits x, SelectSpace space, Target target, int pass) {
  __shared__ uint64_t high[kBins], low[kBins];
  __shared__ bool last;
  const int64_t row = blockIdx.y;
  Search& search = space.search[row];
  uint64_t* bins = space.bins + row * kBins * 2;
  const double largest = ByWeight ? row_maximum(space.maxima, row, gridDim.x) : 0;
  high[threadIdx.x] = low[threadIdx.x] = 0;
  __syncthreads();
  const uint64_t found = search.key;
  const int shift = 56 - 8 * pass;
  const auto add = [](uint64_t* to, uint64_t value) {
    if (value != 0)
      atomicAdd(reinterpret_cast<unsigned long long*>(to), static_cast<unsigned long long>(value));
  };
  each_logit(x, row, [&](int64_t, double value) {
    const uint64_t key = ordered(value);
    if (pass > 0 && key >> (shift + 8) != found) return;
    const uint64_t units = ByWeight ? units_of(value, largest) : 1;
    add(&high[key >> shift & 255], units >> 31);
    add(&low[key >> shift & 255], units & 0x7FFFFFFFu);
  });
  __syncthreads();
  add(bins + 2 * threadIdx.x, high[threadIdx.x]);
  add(bins + 2 * threadIdx.x + 1, low[threadIdx.x]);
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0)
    last = atomicAdd(reinterpret_cast<unsigned long long*>(&search.ticket), 1ull) == gridDim.x - 1;
  __syncthreads();
  if (!last) return;
  __threadfence();
  high[threadIdx.x] = __ldcg(bins + 2 * threadIdx.x);
  low[threadIdx.x] = __ldcg(bins + 2 * threadIdx.x + 1);
  bins[2 * threadIdx.x] = bins[2 * threadIdx.x + 1] = 0;
  __syncthreads();
  if (threadIdx.x != 0) return;
  search.ticket = 0;
  walk_bins<ByWeight>(search, high, low, target, pass);
  if (pass < 7) return;
  // All that is left shares one key, and each of these columns has the same mass, which is not 0: the target
  // is at least 1, and a bin without mass never reaches it.
  const uint64_t units = ByWeight ? units_of(from_ordered(search.key), largest) : 1;
  const Mass left = Mass{search.target_high} << 64 | search.target_low;
  search.kept = static_cast<uint64_t>((left + units - 1) / units);
}

/// The sum of a block, in whole numbers.
__device__ inline int64_t block_count(int64_t value) {
  __shared__ unsigned long long total;
  if (threadIdx.x == 0) total = 0;
  __syncthreads();
  atomicAdd(&total, static_cast<unsigned long long>(value));
  __syncthreads();
  return static_cast<int64_t>(total);
}

/// Grid: tiles, rows. Counts, for each tile, the columns with the key of the last one kept.
template <bool ByWeight>
__global__ void count_equal_kernel(Logits x, SelectSpace space) {
  const uint64_t border = space.search[blockIdx.y].key;
  int64_t mine = 0;
  each_logit(x, blockIdx.y, [&](int64_t, double value) { mine += ordered(value) == border; });
  const int64_t all = block_count(mine);
  if (threadIdx.x == 0)
    space.maxima[int64_t{blockIdx.y} * gridDim.x + blockIdx.x] = static_cast<uint64_t>(all);
}

/// Grid: tiles, rows. Keeps what lies above the border, and of its equals the lowest ids. y may be x.
template <bool ByWeight>
__global__ void keep_kernel(Logits x, View<double, 2, Space::Device> y, SelectSpace space) {
  __shared__ uint64_t border_columns[kSampleTile / 64];  // one bit for each column of the tile
  const int64_t row = blockIdx.y;
  const Search search = space.search[row];
  int64_t before = 0;  // equals in the tiles to the left
  for (int64_t tile = threadIdx.x; tile < blockIdx.x; tile += kSampleThreads)
    before += static_cast<int64_t>(space.maxima[row * gridDim.x + tile]);
  before = block_count(before);
  if (threadIdx.x < kSampleTile / 64) border_columns[threadIdx.x] = 0;
  __syncthreads();
  each_logit(x, row, [&](int64_t i, double value) {
    if (ordered(value) != search.key) return;
    const auto column = static_cast<int>(i % kSampleTile);
    atomicOr(reinterpret_cast<unsigned long long*>(&border_columns[column / 64]), 1ull << column % 64);
  });
  __syncthreads();
  each_logit(x, row, [&](int64_t i, double value) {
    const uint64_t key = ordered(value);
    bool keep = key > search.key;
    if (key == search.key) {
      const auto column = static_cast<int>(i % kSampleTile);
      int64_t rank = before;
      for (int word = 0; word < column / 64; ++word) rank += __popcll(border_columns[word]);
      rank += __popcll(border_columns[column / 64] & ((uint64_t{1} << column % 64) - 1));
      keep = static_cast<uint64_t>(rank) < search.kept;
    }
    y.data[row * y.stride[0] + i] = keep ? value : -INFINITY;
  });
}

template <bool ByWeight>
Status select_and_keep(std::string_view name, const Logits& x, const View<double, 2, Space::Device>& y,
                       uint64_t* workspace, const Target& target, Stream stream) {
  const SelectSpace space = select_space(workspace, x.shape[0], x.shape[1]);
  const Launch tiles = tiles_launch(name, x);
  const Launch start = {.name = name, .blocks_y = x.shape[0], .threads = kBins};
  KIGO_TRY(launch(start, start_search_kernel<ByWeight>, stream, space, target));
  if constexpr (ByWeight) KIGO_TRY(launch_tile_maxima(name, x, space.maxima, stream));
  for (int pass = 0; pass < 8; ++pass)
    KIGO_TRY(launch(tiles, search_kernel<ByWeight>, stream, x, space, target, pass));
  KIGO_TRY(launch(tiles, count_equal_kernel<ByWeight>, stream, x, space));
  return launch(tiles, keep_kernel<ByWeight>, stream, x, y, space);
}

}  // namespace kigo::kernels::device
