// The contract of convert: activations from one element type to another.
#pragma once

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"

namespace kigo::ops {

/// y[t, i] = x[t, i], rounded to nearest, ties to even.
/// Types   From -> To: float -> f16, f16 -> float (exact). Overflow gives infinity; a NaN stays a NaN.
/// Bounds  any width; tokens == 0 does nothing.
/// Memory  rows may be padded; nothing beyond the shape is read or written; x and y do not overlap.
/// Errors  bad_shape.
/// Source  IEEE 754-2019, section 4.3.1 (roundTiesToEven).
template <class From, class To, Space S>
struct Convert {
  View<const From, 2, S> x;  // [tokens, width]
  View<To, 2, S> y;          // [tokens, width]
};

template <class From, class To, Space S>
Status check(const Convert<From, To, S>& op) {
  KIGO_TRY(expect_view("convert.x", op.x, op.x.shape));
  return expect_view("convert.y", op.y, op.x.shape);
}

}  // namespace kigo::ops
