// The contract of norm_gate_up_swiglu: the first half of a feed-forward block, for one token.
#pragma once

#include "core/base/cat.h"
#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"
#include "core/ops/matrix.h"
#include "core/ops/rmsnorm.h"

namespace kigo::ops {

/// With n = rmsnorm(x): y[0, j] = silu(sum_i gate(j, i) n[i]) * sum_i up(j, i) n[i].
/// Types   T = double, float; gate and up of any decodable type; the result is rounded once.
/// Bounds  one token; those of rmsnorm, linear and swiglu.
/// Memory  nothing beyond the shape is read or written; y must not be x.
/// Errors  bad_shape; unsupported for matrices that cannot be decoded or another number of tokens.
/// Source  rmsnorm, linear and swiglu, composed.
template <class T, Space S>
struct NormGateUpSwiGlu {
  View<const T, 2, S> x;                // [1, width]
  View<const float, 1, S> norm_weight;  // [width]
  float norm_eps = 0;
  Matrix<S> gate;   // [ffn_width, width]
  Matrix<S> up;     // [ffn_width, width]
  View<T, 2, S> y;  // [1, ffn_width]
};

template <class T, Space S>
Status check(const NormGateUpSwiGlu<T, S>& op) {
  KIGO_TRY(expect_between("norm_gate_up_swiglu.tokens", op.x.shape[0], 1, 1));
  KIGO_TRY(expect_norm("norm_gate_up_swiglu", op.x, op.norm_weight, op.norm_eps));
  KIGO_TRY(expect_matrix("norm_gate_up_swiglu.gate", op.gate));
  KIGO_TRY(expect_matrix("norm_gate_up_swiglu.up", op.up));
  const bool same_shape = op.gate.rows == op.up.rows && op.gate.cols == op.up.cols;
  if (!same_shape || op.gate.cols != op.x.shape[1]) {
    return fail(Code::bad_shape, "norm_gate_up_swiglu",
                cat("gate [", op.gate.rows, ", ", op.gate.cols, "], up [", op.up.rows, ", ", op.up.cols, "]"),
                cat("both [", op.gate.rows, ", ", op.x.shape[1], "]"));
  }
  return expect_view("norm_gate_up_swiglu.y", op.y, {1, op.gate.rows});
}

}  // namespace kigo::ops
