// One thread moves a word from a record to its place in a block: kernels/device/move_records.cuh.
#include "kernels/unpack.h"

#include "kernels/device/move_records.cuh"

namespace kigo::kernels {

Status unpack(const ops::Unpack<Space::Device>& op, Stream stream) {
  KIGO_TRY(check(op));
  // The direction decides which side is read: the packed matrix is only read here.
  return device::move_records<device::Direction::to_blocks>(
      "unpack", {op.type, op.rows, op.cols, op.first_row}, op.blocks.shape[0], op.blocks.data,
      const_cast<std::byte*>(op.packed.data), stream);
}

}  // namespace kigo::kernels
