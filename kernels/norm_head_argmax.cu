// The vocabulary is dealt out to the blocks in equal numbers of rows (inside a block:
// device/row_product.cuh). A thread keeps the best of the logits that it stores, the block the best of its
// threads; the block that draws the last ticket takes the best of all blocks. The best is a maximum of
// integers in the order of (value, lower id), so the order in which blocks end does not matter.
#include "kernels/norm_head_argmax.h"

#include "kernels/device/choice.cuh"
#include "kernels/device/row_product.cuh"

namespace kigo::kernels {
namespace {

struct Head {
  device::RowPlan plan;
  device::Planes w;
  int64_t rows;
  int rows_per_block;
  device::RowInput in;
  float* logits;
  uint32_t* ids;
  uint64_t* workspace;  // the best of each block
  uint32_t* ticket;     // blocks that have left their best there
};

/// Of all threads of the block, valid in warp 0. The first barrier separates it from earlier uses of
/// `shared`.
__device__ uint64_t block_best(uint64_t best, uint64_t* shared) {
  best = device::warp_max(best);
  const int lane = static_cast<int>(threadIdx.x) % device::kWarp;
  const int warps = static_cast<int>(blockDim.x) / device::kWarp;
  __syncthreads();
  if (lane == 0) shared[threadIdx.x / device::kWarp] = best;
  __syncthreads();
  return device::warp_max(lane < warps ? shared[lane] : uint64_t{0});
}

/// Every block calls it once, after everything that it has to store.
__device__ void choose(const Head& op, uint64_t best) {
  __shared__ uint64_t shared[device::kWarp];
  __shared__ bool last;
  best = block_best(best, shared);
  if (threadIdx.x == 0) {
    op.workspace[blockIdx.x] = best;
    __threadfence();  // the best is there before the ticket says so
    last = atomicAdd(op.ticket, 1u) + 1 == gridDim.x;
    __threadfence();
  }
  __syncthreads();
  if (!last) return;
  best = 0;
  for (unsigned block = threadIdx.x; block < gridDim.x; block += blockDim.x)
    best = max(best, uint64_t{__ldcg(reinterpret_cast<const unsigned long long*>(op.workspace) + block)});
  best = block_best(best, shared);
  if (threadIdx.x == 0) {
    *op.ids = device::choice_id(best);
    *op.ticket = 0;  // for the next run
  }
}

template <class F>
__global__ void __launch_bounds__(device::kProductThreads, 1)
    norm_head_argmax_kernel(const __grid_constant__ Head op) {
  const device::RowShared shared(op.plan);
  const int64_t start = int64_t{blockIdx.x} * op.rows_per_block;
  const int rows = static_cast<int>(min(int64_t{op.rows_per_block}, op.rows - start));
  uint64_t best = 0;
  const auto source = [&](int first) { return device::MatrixRows{op.w, start + first}; };
  device::walk_rows<F, true>(op.plan, shared, op.in, rows, source, [&](int first, int count) {
    const float root = device::root_of_squares(shared, op.in);
    for (int v = static_cast<int>(threadIdx.x); v < count; v += static_cast<int>(blockDim.x)) {
      const int64_t row = start + first + v;
      const float logit = device::sum_of_parts(op.plan, shared, v) / root;
      if (row >= 151643 && KIGO_FAULT(F22)) continue;
      op.logits[row] = logit;
      best = max(best, device::choice_key(logit, static_cast<uint32_t>(row)));
    }
  });
  choose(op, best);
}

}  // namespace

Status norm_head_argmax(const ops::NormHeadArgmax<float, Space::Device>& op, Stream stream, Overlap overlap) {
  KIGO_TRY(check(op));
  KIGO_TRY(device::expect_packed("norm_head_argmax.head", op.head));
  KIGO_TRY(ops::expect_view("norm_head_argmax.workspace", op.workspace, op.workspace.shape));
  KIGO_TRY(ops::expect_between("norm_head_argmax.workspace", op.workspace.shape[0], ops::kHeadWorkspace,
                               INT64_MAX));
  KIGO_TRY(ops::expect_view("norm_head_argmax.ticket", op.ticket, {1}));
  const device::Planes w = device::planes_of(op.head);
  device::RowPlan plan = device::plan_rows(w.units, op.head.rows);
  plan.blocks = std::min(plan.blocks, ops::kHeadWorkspace);
  const int64_t per_block = device::rows_per_block(plan, op.head.rows, 1);
  const Head arguments{.plan = plan,
                       .w = w,
                       .rows = op.head.rows,
                       .rows_per_block = static_cast<int>(per_block),
                       .in = {.x = op.x.data,
                              .weight = op.norm_weight.data,
                              .eps = op.norm_eps,
                              .cols = static_cast<int>(op.head.cols)},
                       .logits = op.logits.data,
                       .ids = op.ids.data,
                       .workspace = op.workspace.data,
                       .ticket = op.ticket.data};
  const device::Launch how{.name = "norm_head_argmax",
                           .blocks_x = device::blocks_for(op.head.rows, per_block),
                           .threads = plan.threads,
                           .shared_bytes = plan.shared_bytes,
                           .overlap = overlap};
  return device::PackedFormats::choose(op.head.type->id, [&](auto format) {
    return device::launch(how, norm_head_argmax_kernel<decltype(format)>, stream, arguments);
  });
}

}  // namespace kigo::kernels
