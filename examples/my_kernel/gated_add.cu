// One block a token; every thread takes each 128th column.
#include <cuda_runtime.h>

#include "gated_add.h"

namespace {

constexpr int kThreads = 128;

__global__ void gated_add_kernel(GatedAdd op) {
  const int64_t t = blockIdx.x;
#ifdef FORGET_THE_TAIL
  const int64_t end = op.width / 4 * 4;
#else
  const int64_t end = op.width;
#endif
  for (int64_t i = threadIdx.x; i < end; i += kThreads)
    op.y[t * op.y_stride + i] = op.x[t * op.x_stride + i] + op.gate[t] * op.h[t * op.h_stride + i];
}

}  // namespace

int gated_add_cuda(const GatedAdd& op, CUstream_st* stream) {
  if (op.tokens == 0 || op.width == 0) return cudaSuccess;
  gated_add_kernel<<<static_cast<unsigned>(op.tokens), kThreads, 0, stream>>>(op);
  return cudaGetLastError();
}
