// The contract of linear: a matrix as it lies in the file, times every token's vector, plus a bias.
#pragma once

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"
#include "core/ops/matrix.h"

namespace kigo::ops {

/// y[t, j] = sum_i w(j, i) * x[t, i] (+ bias[j]).
/// Types   T = double, float, f16, bf16; w of any decodable type; the sum, bias included, is rounded once.
/// Bounds  at least one row and one column; tokens == 0 does nothing.
/// Memory  rows of x and y may be padded; nothing beyond the shape is read or written; y must not be x.
/// Errors  bad_shape; unsupported for a matrix that cannot be decoded.
/// Source  GGUF stores a matrix as [in, out], in fastest: docs/gguf.md, section 7.
template <class T, Space S>
struct Linear {
  View<const T, 2, S> x;         // [tokens, in]
  Matrix<S> w;                   // [out, in]
  View<const float, 1, S> bias;  // [out], or no data and size 0: none
  View<T, 2, S> y;               // [tokens, out]
};

template <class T, Space S>
Status check(const Linear<T, S>& op) {
  KIGO_TRY(expect_matrix("linear.w", op.w));
  const int64_t tokens = op.x.shape[0];
  KIGO_TRY(expect_view("linear.x", op.x, {tokens, op.w.cols}));
  KIGO_TRY(expect_view("linear.y", op.y, {tokens, op.w.rows}));
  // A bias of size 0 that has memory is a slip, not the wish for none.
  const bool no_bias = op.bias.data == nullptr && op.bias.shape[0] == 0;
  return no_bias ? Status{} : expect_view("linear.bias", op.bias, {op.w.rows});
}

}  // namespace kigo::ops
