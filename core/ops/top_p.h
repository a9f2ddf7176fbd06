// The contract of top_p: only the likeliest ids, up to a share of the probability, stay in the draw.
#pragma once

#include <cstdint>

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"
#include "core/ops/logits.h"

namespace kigo::ops {

/// y[r, i] = x[r, i] for the shortest prefix of row r's ids, by (x falling, id rising), whose probabilities
/// softmax(x) add up to p or more, at least one id; else -inf.
/// Types   x and y double; probabilities in double or better. An id is undecided where the sum that decides
///         lies within rounding (1e-12, relative) of p.
/// Bounds  0 <= p <= 1; 1 keeps all; those of expect_logits; rows == 0 does nothing.
/// Memory  rows may be padded; nothing beyond the shape is read or written; y may be x. `workspace` is a
///         kernel's scratch and otherwise empty.
/// Errors  bad_shape, unsupported.
/// Source  arXiv:1904.09751, section 3.1; docs/worker.md, section 5, step 4.
template <Space S>
struct TopP {
  View<const double, 2, S> x;      // [rows, width]
  View<double, 2, S> y;            // [rows, width], may be x
  View<uint64_t, 1, S> workspace;  // of a kernel: at least select_workspace() words
  float p = 1;
};

template <Space S>
Status check(const TopP<S>& op) {
  KIGO_TRY(expect_logits("top_p", op.x));
  KIGO_TRY(expect_number("top_p.p", op.p, 0, 1));
  return expect_view("top_p.y", op.y, op.x.shape);
}

}  // namespace kigo::ops
