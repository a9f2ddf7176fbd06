// The handle of cuBLAS with everything explicit that changes results, and the one place that turns our
// row-major matrices into its column-major ones.
#pragma once

#include <cstdint>
#include <memory>

#include "core/base/half.h"
#include "core/base/result.h"
#include "core/base/view.h"
#include "kernels/runtime/buffer.h"
#include "kernels/runtime/stream.h"
#include "kernels/runtime/vram.h"

struct cublasContext;

namespace kigo::kernels {

/// The arguments of a column-major product C[m, n] = op(A)[m, k] * op(B)[k, n] + beta * C, in BLAS's words: a
/// matrix of r rows and c columns has element (i, j) at i + j * leading dimension.
struct ColumnMajor {
  bool transpose_a = false;
  bool transpose_b = false;
  int64_t m = 0;
  int64_t n = 0;
  int64_t k = 0;
  int64_t lda = 0;
  int64_t ldb = 0;
  int64_t ldc = 0;
};

/// y[t, j] = sum_i w[j, i] * x[t, i], row-major with strides between rows, as a column-major product with A =
/// w, B = x, C = y. A row-major [r, c] read column-major is its transpose [c, r] with the row stride as
/// leading dimension. So memory C is y^T [out, tokens] = w [out, in] * x^T [in, tokens]: memory w reads as
/// w^T and is transposed back, memory x reads as x^T and stays.
ColumnMajor linear_as_column_major(int64_t tokens, int64_t in, int64_t out, int64_t x_stride,
                                   int64_t w_stride, int64_t y_stride);

/// A cuBLAS handle: products in half, sums in float and only there (no reduction in half), no atomics, a
/// workspace of its own, so that the same call gives the same bits every time and works inside a graph. One
/// stream at a time.
class Cublas {
 public:
  /// Memory: kWorkspaceBytes of device memory for purpose `workspace`. Errors: cuda, out_of_memory.
  static Result<Cublas> create(Vram& vram);
  static constexpr int64_t kWorkspaceBytes = int64_t{32} << 20;  // cuBLAS manual: recommended for Hopper

  /// The handle, on the stream and with the workspace set.  Errors: cuda.
  Result<cublasContext*> on(Stream stream) const;

 private:
  struct Destroy {
    void operator()(cublasContext* handle) const;
  };
  DeviceBuffer workspace_;  // before the handle, which uses it to its end
  std::unique_ptr<cublasContext, Destroy> handle_;
};

/// y[t, j] = sum_i w[j, i] * x[t, i] + beta * y[t, j], by cublasGemmEx.
/// Types   x and w in half, products exact, sums in float in cuBLAS's order, stored once.
/// Bounds  every size and stride up to 2^31 - 1; no tokens or no outputs: nothing is launched.
/// Memory  rows may be padded and are read up to the shape only; y is written only, with beta 0 not even
/// read.
///         No allocation, no sync: safe in a graph.
/// Errors  bad_shape, unsupported before the launch; cuda.
Status matmul_half(const Cublas& cublas, View<const f16, 2, Space::Device> x /* [tokens, in] */,
                   View<const f16, 2, Space::Device> w /* [out, in] */,
                   View<float, 2, Space::Device> y /* [tokens, out] */, float beta, Stream stream);

}  // namespace kigo::kernels
