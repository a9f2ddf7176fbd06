// The contract of repack: blocks as they lie in a file become planes of records, some rows at a time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/quant/tensor_type.h"

namespace kigo::ops {

/// Moves every byte of the rows' blocks to its place in the packed matrix (core/ops/packing.h).
/// Types   bytes; any type with a packed form.
/// Bounds  the rows of the piece, blocks.size() / bytes of a row, are whole and lie inside the matrix; no
/// rows
///         do nothing.
/// Memory  only the records of these rows are written: the other rows' and the padding of planes are left
///         alone. On a device `packed` is aligned to 256 bytes; `blocks` need not be aligned.
/// Errors  unsupported for a type without packed form; bad_shape.
template <Space S>
struct Repack {
  const quant::TensorType* type = nullptr;
  int64_t rows = 0;                    // of the whole matrix
  int64_t cols = 0;                    // a multiple of type->block_values
  int64_t first_row = 0;               // of the piece
  View<const std::byte, 1, S> blocks;  // [rows of the piece * bytes of a row]
  View<std::byte, 1, S> packed;        // [packed_bytes(*type, rows, cols)]
};

/// What the two directions check. Errors: unsupported, bad_shape.
Status expect_packed_rows(const char* op, const quant::TensorType* type, int64_t rows, int64_t cols,
                          int64_t first_row, int64_t block_bytes, int64_t packed_bytes, bool has_data);

template <Space S>
Status check(const Repack<S>& op) {
  return expect_packed_rows("repack", op.type, op.rows, op.cols, op.first_row, op.blocks.shape[0],
                            op.packed.shape[0], op.blocks.data != nullptr && op.packed.data != nullptr);
}

}  // namespace kigo::ops
