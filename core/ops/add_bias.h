// The contract of add_bias: what a projection with a bias adds to every row of its product.
#pragma once

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"

namespace kigo::ops {

/// y[t, i] = x[t, i] + bias[i].
/// Types   T = double, float, f16, bf16; the sum is rounded once.
/// Bounds  any width; tokens == 0 does nothing.
/// Memory  rows may be padded; nothing beyond the shape is read or written; y may be x.
/// Errors  bad_shape.
/// Source  the affine map x W + b, of which a library's product gives x W.
template <class T, Space S>
struct AddBias {
  View<const T, 2, S> x;         // [tokens, width]
  View<const float, 1, S> bias;  // [width]
  View<T, 2, S> y;               // [tokens, width], may be x
};

template <class T, Space S>
Status check(const AddBias<T, S>& op) {
  KIGO_TRY(expect_view("add_bias.x", op.x, op.x.shape));
  KIGO_TRY(expect_view("add_bias.bias", op.bias, {op.x.shape[1]}));
  return expect_view("add_bias.y", op.y, op.x.shape);
}

}  // namespace kigo::ops
