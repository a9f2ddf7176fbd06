// The contract of draw: from what the filters left to one id.
#pragma once

#include <cstdint>

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"
#include "core/ops/logits.h"

namespace kigo::ops {

/// With w_i = e^(x[r, i] - max_j x[r, j]): ids[r] is the first id whose running sum w_0 + ... + w_i is above
/// u[r] times the sum of all; if rounding leaves none, the last id with w_i > 0.
/// Types   x and u double; sums in double or better. An id is undecided where u times the sum lies within
///         rounding (1e-12, relative) of a running sum.
/// Bounds  0 <= u < 1 (sample::uniform by seed and token index); those of expect_logits; rows == 0 does
/// nothing. Memory  rows of x may be padded; nothing beyond the shape is read or written. `workspace` is a
/// kernel's
///         scratch and otherwise empty.
/// Errors  bad_shape; unsupported, for u where it is host memory.
/// Source  inversion: L. Devroye, "Non-Uniform Random Variate Generation", section III.2; docs/worker.md,
///         section 5, steps 6 and 7.
template <Space S>
struct Draw {
  View<const double, 2, S> x;      // [rows, width]
  View<const double, 1, S> u;      // [rows]
  View<uint32_t, 1, S> ids;        // [rows]
  View<uint64_t, 1, S> workspace;  // of a kernel: at least row_workspace() words
};

template <Space S>
Status check(const Draw<S>& op) {
  KIGO_TRY(expect_logits("draw", op.x));
  KIGO_TRY(expect_view("draw.u", op.u, {op.x.shape[0]}));
  if constexpr (S == Space::Host) {
    for (int64_t r = 0; r < op.x.shape[0]; ++r) KIGO_TRY(expect_number("draw.u", op.u(r), 0, 1 - 0x1p-53));
  }
  return expect_view("draw.ids", op.ids, {op.x.shape[0]});
}

}  // namespace kigo::ops
