// The contract of dequantise: the values of a weight matrix.
#pragma once

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"
#include "core/ops/matrix.h"

namespace kigo::ops {

/// y[j, i] = w(j, i).
/// Types   T = double, float, f16; w of any decodable type. Exact for float and wider, else rounded once, to
///         nearest even: beyond 65504 that is infinity.
/// Bounds  at least one row and one column.
/// Memory  rows of y may be padded; nothing beyond the shape is read or written.
/// Errors  bad_shape; unsupported for a matrix that cannot be decoded.
/// Source  docs/formats.md, sections 3 to 5.
template <class T, Space S>
struct Dequantise {
  Matrix<S> w;      // [rows, cols]
  View<T, 2, S> y;  // [rows, cols]
};

template <class T, Space S>
Status check(const Dequantise<T, S>& op) {
  KIGO_TRY(expect_matrix("dequantise.w", op.w));
  return expect_view("dequantise.y", op.y, {op.w.rows, op.w.cols});
}

}  // namespace kigo::ops
