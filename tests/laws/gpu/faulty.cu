// One block a row, one thread an element at a time.
#include "kernels/device/launch.cuh"
#include "tests/laws/gpu/faulty.h"

namespace kigo::laws {
namespace {

constexpr int kThreads = 64;

__global__ void doubling_kernel(Doubling op, Fault fault) {
  const int64_t width = op.x.shape[1];
  const bool dense = fault == Fault::ignores_strides;
  const float* x = op.x.data + blockIdx.x * (dense ? width : op.x.stride[0]);
  float* y = op.y.data + blockIdx.x * (dense ? width : op.y.stride[0]);
  if (static_cast<int64_t>(blockIdx.x) >= op.x.shape[0]) return;
  float first = fault == Fault::drops_a_term ? 0.0f : x[0];
  if (fault == Fault::reads_past_the_row) first += x[width];
  if (fault == Fault::depends_on_the_time) first += static_cast<float>(clock64() & 0xFFFF);
  // Only a workspace that this kernel has seen before holds this number.
  if (fault == Fault::leaves_its_workspace_in_disorder && op.workspace.data[0] == 0x600DCAFE) first += 1;
  const int64_t end = fault == Fault::writes_past_the_row        ? width + 1
                      : fault == Fault::forgets_the_last_element ? width - 1
                                                                 : width;
  for (int64_t i = threadIdx.x; i < end; i += kThreads) y[i] = (i < width ? x[i] : 0.0f) + first;
  __syncthreads();
  if (threadIdx.x != 0) return;
  if (fault == Fault::changes_its_input) const_cast<float*>(x)[width - 1] = 0;
  if (fault == Fault::leaves_its_workspace_in_disorder && blockIdx.x + 1 == gridDim.x)
    op.workspace.data[0] = 0x600DCAFE;
}

}  // namespace

Status doubling(const Doubling& op, Fault fault, kernels::Stream stream) {
  const bool for_nothing = fault == Fault::launches_for_nothing && op.x.shape[0] == 0;
  if (fault == Fault::uses_the_default_stream) stream = nullptr;
  if (fault == Fault::allocates) {
    void* memory = nullptr;
    KIGO_TRY(kernels::status_of(cudaMalloc(&memory, 1024), "doubling"));
    KIGO_TRY(kernels::status_of(cudaFree(memory), "doubling"));
  }
  KIGO_TRY(kernels::device::launch(
      {.name = "doubling", .blocks_x = for_nothing ? 1 : op.x.shape[0], .threads = kThreads}, doubling_kernel,
      stream, op, fault));
  return fault == Fault::waits ? kernels::status_of(cudaStreamSynchronize(stream), "doubling") : Status{};
}

}  // namespace kigo::laws
