// The search for the k-th id: device/select.cuh, which explains its launches.
#include "kernels/top_k.h"

#include "kernels/device/select.cuh"

namespace kigo::kernels {

Status top_k(const ops::TopK<Space::Device>& op, Stream stream) {
  KIGO_TRY(check(op));
  const auto [rows, width] = op.x.shape;
  KIGO_TRY(device::expect_workspace("top_k.workspace", op.workspace, select_workspace(rows, width)));
  if (op.k == 0 || op.k >= width) return device::copy_logits("top_k", op.x, op.y, stream);
  return device::select_and_keep<false>("top_k", op.x, op.y, op.workspace.data, {.count = op.k}, stream);
}

}  // namespace kigo::kernels
