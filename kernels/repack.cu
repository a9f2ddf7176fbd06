// One thread moves a word from a block to its place in a record: kernels/device/move_records.cuh.
#include "kernels/repack.h"

#include "kernels/device/move_records.cuh"

namespace kigo::kernels {

Status repack(const ops::Repack<Space::Device>& op, Stream stream) {
  KIGO_TRY(check(op));
  // The direction decides which side is read: the blocks are only read here.
  return device::move_records<device::Direction::to_records>(
      "repack", {op.type, op.rows, op.cols, op.first_row}, op.blocks.shape[0],
      const_cast<std::byte*>(op.blocks.data), op.packed.data, stream);
}

}  // namespace kigo::kernels
