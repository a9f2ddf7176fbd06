#include "reference/unpack.h"

#include "core/ops/packing.h"

namespace kigo::reference {

Status unpack(const ops::Unpack<Space::Host>& op) {
  KIGO_TRY(check(op));
  const int64_t block_bytes = op.type->block_bytes;
  const int64_t blocks = op.blocks.shape[0] / block_bytes;
  const int64_t first_block = op.first_row * (op.cols / op.type->block_values);
  const ops::Packing& packing = *ops::find_packing(op.type->id);
  for (int64_t b = 0; b < blocks; ++b) {
    for (const ops::PackedPiece& piece : packing.pieces) {
      const int64_t record = ops::plane_offset(*op.type, op.rows, op.cols, piece.plane) +
                             (first_block + b) * packing.record_bytes[piece.plane];
      for (int64_t i = 0; i < piece.bytes; ++i)
        op.blocks(b * block_bytes + piece.from + i) = op.packed(record + piece.to + i);
    }
  }
  return {};
}

}  // namespace kigo::reference
