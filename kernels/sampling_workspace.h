// How much scratch the operations on a row of logits need.
#pragma once

#include <cstdint>

namespace kigo::kernels {

/// Columns of a row that one block takes; a row is tiles of so many.
inline constexpr int64_t kSampleTile = 1024;

constexpr int64_t sample_tiles(int64_t width) { return (width + kSampleTile - 1) / kSampleTile; }

/// 64-bit words for min_p and draw: two for each tile of each row.
constexpr int64_t row_workspace(int64_t rows, int64_t width) { return rows * 2 * sample_tiles(width); }

/// 64-bit words for top_k and top_p: besides the tiles' a histogram of 256 bins, each with two sums, and the
/// state of the search.
constexpr int64_t select_workspace(int64_t rows, int64_t width) {
  return row_workspace(rows, width) + rows * (2 * 256 + 8);
}

}  // namespace kigo::kernels
