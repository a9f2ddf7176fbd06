#include "reference/repack.h"

#include "core/ops/packing.h"

namespace kigo::reference {

Status repack(const ops::Repack<Space::Host>& op) {
  KIGO_TRY(check(op));
  const int64_t block_bytes = op.type->block_bytes;
  const int64_t blocks = op.blocks.shape[0] / block_bytes;
  const int64_t first_block = op.first_row * (op.cols / op.type->block_values);
  const ops::Packing& packing = *ops::find_packing(op.type->id);
  for (const ops::PackedPiece& piece : packing.pieces) {
    const int64_t plane = ops::plane_offset(*op.type, op.rows, op.cols, piece.plane);
    const int64_t record_bytes = packing.record_bytes[piece.plane];
    for (int64_t b = 0; b < blocks; ++b) {
      const int64_t record = plane + (first_block + b) * record_bytes;
      for (int64_t i = 0; i < piece.bytes; ++i)
        op.packed(record + piece.to + i) = op.blocks(b * block_bytes + piece.from + i);
    }
  }
  return {};
}

}  // namespace kigo::reference
