// The contract of norm_head_argmax: from the residual stream of one token to its logits and the greedy
// choice.
#pragma once

#include <cstdint>

#include "core/base/cat.h"
#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/argmax.h"
#include "core/ops/expect.h"
#include "core/ops/matrix.h"
#include "core/ops/rmsnorm.h"

namespace kigo::ops {

/// Words that a kernel's workspace has: one for every block, of which there are as many as a device runs at a
/// time or fewer.
inline constexpr int64_t kHeadWorkspace = 1024;

/// With n = rmsnorm(x): logits[0, j] = sum_i head(j, i) n[i]; ids[0] = argmax of the logits as stored.
/// Types   T = double, float; head of any decodable type; each logit is rounded once.
/// Bounds  one token; those of rmsnorm, linear and argmax.
/// Memory  nothing beyond the shape is read or written. A kernel asks for `workspace`, whose contents are
///         nobody's business, and for `ticket`, which is zero before and after each run; both belong to one
///         run at a time. A reference uses neither, and they may be empty.
/// Errors  bad_shape; unsupported for a matrix that cannot be decoded or another number of tokens.
/// Source  rmsnorm, linear and argmax, composed.
template <class T, Space S>
struct NormHeadArgmax {
  View<const T, 2, S> x;                // [1, width]
  View<const float, 1, S> norm_weight;  // [width]
  float norm_eps = 0;
  Matrix<S> head;                  // [vocab, width]
  View<T, 2, S> logits;            // [1, vocab]
  View<uint32_t, 1, S> ids;        // [1]
  View<uint64_t, 1, S> workspace;  // of a kernel: at least kHeadWorkspace words
  View<uint32_t, 1, S> ticket;     // of a kernel: [1], zero
};

template <class T, Space S>
Status check(const NormHeadArgmax<T, S>& op) {
  KIGO_TRY(expect_between("norm_head_argmax.tokens", op.x.shape[0], 1, 1));
  KIGO_TRY(expect_norm("norm_head_argmax", op.x, op.norm_weight, op.norm_eps));
  KIGO_TRY(expect_matrix("norm_head_argmax.head", op.head));
  if (op.head.cols != op.x.shape[1]) {
    return fail(Code::bad_shape, "norm_head_argmax.head", cat(op.head.cols, " columns"), cat(op.x.shape[1]));
  }
  KIGO_TRY(expect_view("norm_head_argmax.logits", op.logits, {1, op.head.rows}));
  return expect_view("norm_head_argmax.ids", op.ids, {1});
}

}  // namespace kigo::ops
