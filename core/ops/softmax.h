// The contract of softmax: rows of scores become rows of probabilities.
#pragma once

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"

namespace kigo::ops {

/// y[r, i] = e^(x[r, i] - m) / sum_j e^(x[r, j] - m), with m the row's maximum, each row on its own.
/// Types   T = double, float, f16, bf16; the result is rounded once.
/// Bounds  1 <= width < 2^31; rows == 0 does nothing. -inf gives 0; a row that holds NaN or +inf, or nothing
///         but -inf, becomes NaN from end to end.
/// Memory  rows may be padded; nothing beyond the shape is read or written; y may be x.
/// Errors  bad_shape; unsupported for a width out of bounds.
/// Source  the shift by the maximum: N. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed.,
///         section 27.
template <class T, Space S>
struct Softmax {
  View<const T, 2, S> x;  // [rows, width]
  View<T, 2, S> y;        // [rows, width], may be x
};

template <class T, Space S>
Status check(const Softmax<T, S>& op) {
  KIGO_TRY(expect_view("softmax.x", op.x, op.x.shape));
  KIGO_TRY(expect_between("softmax.width", op.x.shape[1], 1, INT32_MAX));
  return expect_view("softmax.y", op.y, op.x.shape);
}

}  // namespace kigo::ops
