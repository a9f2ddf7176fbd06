// The contract of unpack: the inverse of repack, blocks as they lie in a file from a packed matrix.
#pragma once

#include "core/ops/repack.h"

namespace kigo::ops {

/// Writes the blocks of some rows of a packed matrix: unpack(repack(blocks)) == blocks, byte for byte.
/// Types   bytes; any type with a packed form.
/// Bounds  the rows of the piece, blocks.size() / bytes of a row, are whole and lie inside the matrix; no
/// rows
///         do nothing.
/// Memory  all of `blocks` is written, nothing else. On a device `packed` is aligned to 256 bytes.
/// Errors  unsupported for a type without packed form; bad_shape.
template <Space S>
struct Unpack {
  const quant::TensorType* type = nullptr;
  int64_t rows = 0;                    // of the whole matrix
  int64_t cols = 0;                    // a multiple of type->block_values
  int64_t first_row = 0;               // of the piece
  View<const std::byte, 1, S> packed;  // [packed_bytes(*type, rows, cols)]
  View<std::byte, 1, S> blocks;        // [rows of the piece * bytes of a row]
};

template <Space S>
Status check(const Unpack<S>& op) {
  return expect_packed_rows("unpack", op.type, op.rows, op.cols, op.first_row, op.blocks.shape[0],
                            op.packed.shape[0], op.blocks.data != nullptr && op.packed.data != nullptr);
}

}  // namespace kigo::ops
