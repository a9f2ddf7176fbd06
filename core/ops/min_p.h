// The contract of min_p: ids that are far less likely than the likeliest leave the draw.
#pragma once

#include <cstdint>

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"
#include "core/ops/logits.h"

namespace kigo::ops {

/// y[r, i] = x[r, i] where e^(x[r, i] - max_j x[r, j]) >= min_p, else -inf.
/// Types   x and y double. An id is undecided where the two sides lie within rounding (1e-12, relative).
/// Bounds  0 <= min_p <= 1; 0 keeps all; those of expect_logits; rows == 0 does nothing.
/// Memory  rows may be padded; nothing beyond the shape is read or written; y may be x. `workspace` is a
///         kernel's scratch and otherwise empty.
/// Errors  bad_shape, unsupported.
/// Source  arXiv:2407.01082, section 3; docs/worker.md, section 5, step 5.
template <Space S>
struct MinP {
  View<const double, 2, S> x;      // [rows, width]
  View<double, 2, S> y;            // [rows, width], may be x
  View<uint64_t, 1, S> workspace;  // of a kernel: at least row_workspace() words
  float min_p = 0;
};

template <Space S>
Status check(const MinP<S>& op) {
  KIGO_TRY(expect_logits("min_p", op.x));
  KIGO_TRY(expect_number("min_p.min_p", op.min_p, 0, 1));
  return expect_view("min_p.y", op.y, op.x.shape);
}

}  // namespace kigo::ops
