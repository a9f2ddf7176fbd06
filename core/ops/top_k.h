// The contract of top_k: only the k likeliest ids stay in the draw.
#pragma once

#include <cstdint>

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"
#include "core/ops/logits.h"

namespace kigo::ops {

/// y[r, i] = x[r, i] for the k first ids of row r by (x falling, id rising), else -inf.
/// Types   x and y double; exact.
/// Bounds  0 <= k < 2^31; 0, or width and more, keeps all; those of expect_logits; rows == 0 does nothing.
/// Memory  rows may be padded; nothing beyond the shape is read or written; y may be x. `workspace` is a
///         kernel's scratch and otherwise empty.
/// Errors  bad_shape, unsupported.
/// Source  arXiv:1805.04833, section 5.4; docs/worker.md, section 5, step 3.
template <Space S>
struct TopK {
  View<const double, 2, S> x;      // [rows, width]
  View<double, 2, S> y;            // [rows, width], may be x
  View<uint64_t, 1, S> workspace;  // of a kernel: at least select_workspace() words
  int64_t k = 0;
};

template <Space S>
Status check(const TopK<S>& op) {
  KIGO_TRY(expect_logits("top_k", op.x));
  KIGO_TRY(expect_between("top_k.k", op.k, 0, INT32_MAX));
  return expect_view("top_k.y", op.y, op.x.shape);
}

}  // namespace kigo::ops
