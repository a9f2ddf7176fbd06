// The cases of repack and unpack: some rows of a packed matrix.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/cat.h"
#include "core/quant/formats.h"
#include "tests/pairs/data.h"

namespace kigo::pairs {

struct PackedRowsCase {
  int64_t rows = 1;  // of the matrix
  int64_t cols = 1;
  int64_t first = 0;  // row of the piece
  int64_t count = 1;  // its rows
  uint64_t seed = 1;
};

template <quant::Format F>
PackedRowsCase draw_packed_rows(const Draw& draw) {
  PackedRowsCase c;
  c.rows = draw_size(draw, 200);
  c.cols = F::values * draw_size(draw, F::values == 1 ? 3000 : F::values == 32 ? 100 : 12);
  c.first = draw(0, c.rows - 1);
  c.count = draw(0, c.rows - c.first);
  c.seed = draw_seed(draw);
  return c;
}

/// Pieces at odd rows of an odd number of blocks, so that records and blocks start at every alignment; more
/// bytes than one thread block takes; nothing.
template <quant::Format F>
std::vector<PackedRowsCase> packed_rows_edges() {
  constexpr int64_t kBlock = F::values;
  std::vector<PackedRowsCase> cases = {{1, kBlock, 0, 1},
                                       {3, kBlock, 1, 1},
                                       {7, 3 * kBlock, 2, 5},
                                       {5, 3 * kBlock, 5, 0},
                                       {501, 17 * kBlock, 13, 487}};
  for (const int64_t cols : {897, 4864}) {
    if (cols % kBlock == 0) cases.push_back({9, cols, 1, 8});
  }
  return cases;
}

template <quant::Format F>
std::vector<PackedRowsCase> packed_rows_bench() {
  std::vector<PackedRowsCase> cases;
  for (const int64_t cols : {896, 3584, 4864}) {
    if (cols % F::values == 0) cases.push_back({4096, cols, 0, 4096});
  }
  return cases;
}

/// 2.4 GiB on either side. A format of one plane can be repeated.
template <quant::Format F>
std::vector<Huge<PackedRowsCase>> packed_rows_huge() {
  if (F::name != "F16") return {};
  return {{{1024, 4097, 0, 1024}, {300 * 1024, 4097, 0, 300 * 1024}, 300, {"blocks", "packed"}}};
}

inline std::string packed_rows_text(const PackedRowsCase& c) {
  return cat("rows=", c.rows, " cols=", c.cols, " first=", c.first, " count=", c.count, " seed=", c.seed);
}

/// The tensor aligned to 256 bytes, as a packed matrix is.
inline Tensor dense(Tensor tensor) {
  tensor.padded = false;
  return tensor;
}

}  // namespace kigo::pairs
