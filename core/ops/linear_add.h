// The contract of linear_add: a matrix times one token's vector joins the residual stream.
#pragma once

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"
#include "core/ops/matrix.h"

namespace kigo::ops {

/// y[0, j] = residual[0, j] + sum_i w(j, i) * x[0, i].
/// Types   T = double, float; w of any decodable type; the sum, residual included, is rounded once.
/// Bounds  one token; at least one row and one column.
/// Memory  nothing beyond the shape is read or written; y may be residual, and must not be x.
/// Errors  bad_shape; unsupported for a matrix that cannot be decoded or another number of tokens.
/// Source  linear and add, composed.
template <class T, Space S>
struct LinearAdd {
  View<const T, 2, S> x;         // [1, in]
  Matrix<S> w;                   // [out, in]
  View<const T, 2, S> residual;  // [1, out]
  View<T, 2, S> y;               // [1, out], may be residual
};

template <class T, Space S>
Status check(const LinearAdd<T, S>& op) {
  KIGO_TRY(expect_between("linear_add.tokens", op.x.shape[0], 1, 1));
  KIGO_TRY(expect_matrix("linear_add.w", op.w));
  KIGO_TRY(expect_view("linear_add.x", op.x, {1, op.w.cols}));
  KIGO_TRY(expect_view("linear_add.residual", op.residual, {1, op.w.rows}));
  return expect_view("linear_add.y", op.y, {1, op.w.rows});
}

}  // namespace kigo::ops
