// The search for the end of the nucleus: device/select.cuh, which explains its launches.
#include "kernels/top_p.h"

#include "kernels/device/select.cuh"

namespace kigo::kernels {

Status top_p(const ops::TopP<Space::Device>& op, Stream stream) {
  KIGO_TRY(check(op));
  const auto [rows, width] = op.x.shape;
  KIGO_TRY(device::expect_workspace("top_p.workspace", op.workspace, select_workspace(rows, width)));
  if (op.p == 1) return device::copy_logits("top_p", op.x, op.y, stream);
  return device::select_and_keep<true>("top_p", op.x, op.y, op.workspace.data,
                                       {.share = static_cast<double>(op.p)}, stream);
}

}  // namespace kigo::kernels
