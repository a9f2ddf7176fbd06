#include "kernels/runtime/cublas.h"

#include <cublas_v2.h>

#include <algorithm>
#include <cstdlib>

#include "core/base/cat.h"
#include "core/base/fault.h"
#include "core/ops/expect.h"

namespace kigo::kernels {
namespace {

Status cublas_status_of(cublasStatus_t status, std::string_view subject) {
  if (status == CUBLAS_STATUS_SUCCESS) return {};
  const Code code = status == CUBLAS_STATUS_ALLOC_FAILED ? Code::out_of_memory : Code::cuda;
  return fail(code, std::string(subject),
              cat(cublasGetStatusName(status), ": ", cublasGetStatusString(status)), "success");
}

cublasOperation_t operation(bool transpose) { return transpose ? CUBLAS_OP_T : CUBLAS_OP_N; }

}  // namespace

ColumnMajor linear_as_column_major(int64_t tokens, int64_t in, int64_t out, int64_t x_stride,
                                   int64_t w_stride, int64_t y_stride) {
  // A matrix of one row may have any stride; BLAS wants room for a whole column nevertheless.
  return {.transpose_a = true,
          .transpose_b = false,
          .m = out,
          .n = tokens,
          .k = in,
          .lda = std::max(w_stride, in),
          .ldb = std::max(x_stride, in),
          .ldc = std::max(y_stride, out)};
}

void Cublas::Destroy::operator()(cublasContext* handle) const { (void)cublasDestroy(handle); }

Result<Cublas> Cublas::create(Vram& vram) {
  Cublas cublas;
  KIGO_ASSIGN(cublas.workspace_, vram.allocate(Purpose::workspace, kWorkspaceBytes, "cuBLAS workspace"));
  // Each handle takes device memory of its own besides (64 MiB seen on an H200) and would never use it: every
  // call is given ours. Asking for the least is cuBLAS's documented way out; a value of the user's stays.
  (void)setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8", 0);
  cublasHandle_t handle = nullptr;
  KIGO_TRY(cublas_status_of(cublasCreate(&handle), "cuBLAS"));
  cublas.handle_.reset(handle);
  // Default mode alone lets split sums be added up in half.
  const auto mode =
      static_cast<cublasMath_t>(CUBLAS_DEFAULT_MATH | CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION);
  KIGO_TRY(cublas_status_of(cublasSetMathMode(handle, mode), "cuBLAS math mode"));
  KIGO_TRY(cublas_status_of(cublasSetAtomicsMode(handle, CUBLAS_ATOMICS_NOT_ALLOWED), "cuBLAS atomics mode"));
  KIGO_TRY(cublas_status_of(cublasSetPointerMode(handle, CUBLAS_POINTER_MODE_HOST), "cuBLAS pointer mode"));
  return cublas;
}

Result<cublasContext*> Cublas::on(Stream stream) const {
  KIGO_TRY(cublas_status_of(cublasSetStream(handle_.get(), stream), "cuBLAS stream"));
  // Setting the stream puts cuBLAS's own workspace back, so ours is named each time.
  KIGO_TRY(cublas_status_of(cublasSetWorkspace(handle_.get(), const_cast<std::byte*>(workspace_.data()),
                                               static_cast<size_t>(workspace_.bytes())),
                            "cuBLAS workspace"));
  return handle_.get();
}

Status matmul_half(const Cublas& cublas, View<const f16, 2, Space::Device> x,
                   View<const f16, 2, Space::Device> w, View<float, 2, Space::Device> y, float beta,
                   Stream stream) {
  const int64_t tokens = x.shape[0];
  const int64_t in = x.shape[1];
  const int64_t out = w.shape[0];
  KIGO_TRY(ops::expect_view("matmul_half.x", x, {tokens, in}));
  KIGO_TRY(ops::expect_view("matmul_half.w", w, {out, in}));
  KIGO_TRY(ops::expect_view("matmul_half.y", y, {tokens, out}));
  ColumnMajor gemm = linear_as_column_major(tokens, in, out, x.stride[0], w.stride[0], y.stride[0]);
  if (KIGO_FAULT(F19)) gemm.transpose_a = false, gemm.lda = out;
  KIGO_TRY(ops::expect_between("matmul_half.in", in, 1, INT32_MAX));
  for (const int64_t size : {gemm.m, gemm.n, gemm.lda, gemm.ldb, gemm.ldc})
    KIGO_TRY(ops::expect_between("matmul_half sizes", size, 0, INT32_MAX));
  if (tokens == 0 || out == 0) return {};
  KIGO_ASSIGN(cublasContext* const handle, cublas.on(stream));
  const float alpha = 1;
  return cublas_status_of(
      cublasGemmEx(handle, operation(gemm.transpose_a), operation(gemm.transpose_b), static_cast<int>(gemm.m),
                   static_cast<int>(gemm.n), static_cast<int>(gemm.k), &alpha, w.data, CUDA_R_16F,
                   static_cast<int>(gemm.lda), x.data, CUDA_R_16F, static_cast<int>(gemm.ldb), &beta, y.data,
                   CUDA_R_32F, static_cast<int>(gemm.ldc), CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
      "cublasGemmEx");
}

}  // namespace kigo::kernels
