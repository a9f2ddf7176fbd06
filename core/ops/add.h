// The contract of add: what a block computed joins the residual stream.
#pragma once

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"

namespace kigo::ops {

/// y[t, i] = a[t, i] + b[t, i].
/// Types   T = double, float, f16, bf16; the sum is rounded once.
/// Bounds  any width; tokens == 0 does nothing.
/// Memory  rows may be padded; nothing beyond the shape is read or written; y may be a or b.
/// Errors  bad_shape.
/// Source  the residual connection, arXiv:1512.03385, eq. 1.
template <class T, Space S>
struct Add {
  View<const T, 2, S> a;  // [tokens, width]
  View<const T, 2, S> b;  // [tokens, width]
  View<T, 2, S> y;        // [tokens, width], may be a or b
};

template <class T, Space S>
Status check(const Add<T, S>& op) {
  KIGO_TRY(expect_view("add.a", op.a, op.a.shape));
  KIGO_TRY(expect_view("add.b", op.b, op.a.shape));
  return expect_view("add.y", op.y, op.a.shape);
}

}  // namespace kigo::ops
