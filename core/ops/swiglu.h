// The contract of swiglu: the gated activation between the matrices of a feed-forward block.
#pragma once

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"

namespace kigo::ops {

/// y[t, i] = silu(gate[t, i]) * up[t, i], with silu(z) = z / (1 + e^-z).
/// Types   T = double, float, f16, bf16; the result is rounded once.
/// Bounds  any width; tokens == 0 does nothing. A large negative finite gate gives -0 * up, not NaN.
/// Memory  rows may be padded; nothing beyond the shape is read or written; y may be gate or up.
/// Errors  bad_shape.
/// Source  arXiv:2002.05202, eq. 6 (Swish with beta = 1, no biases).
template <class T, Space S>
struct SwiGlu {
  View<const T, 2, S> gate;  // [tokens, ffn_width]
  View<const T, 2, S> up;    // [tokens, ffn_width]
  View<T, 2, S> y;           // [tokens, ffn_width], may be gate or up
};

template <class T, Space S>
Status check(const SwiGlu<T, S>& op) {
  KIGO_TRY(expect_view("swiglu.gate", op.gate, op.gate.shape));
  KIGO_TRY(expect_view("swiglu.up", op.up, op.gate.shape));
  return expect_view("swiglu.y", op.y, op.gate.shape);
}

}  // namespace kigo::ops
