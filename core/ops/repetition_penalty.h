// The contract of repetition_penalty: ids that were there before become less likely.
#pragma once

#include <cstdint>

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"
#include "core/ops/logits.h"

namespace kigo::ops {

/// y[r, i] = x[r, i] / penalty if x[r, i] > 0, else x[r, i] * penalty, for every id i of the history, once
/// however often it is there; the others are copied.
/// Types   x and y double.
/// Bounds  0 < penalty <= 2; any history, in any order, whose ids are below width; those of expect_logits;
///         rows == 0 does nothing.
/// Memory  rows may be padded; nothing beyond the shape is read or written; y may be x.
/// Errors  bad_shape; unsupported, for ids where they are host memory.
/// Source  arXiv:1909.05858, section 4.1; docs/worker.md, section 5, step 2.
template <Space S>
struct RepetitionPenalty {
  View<const double, 2, S> x;          // [rows, width]
  View<const uint32_t, 1, S> history;  // [ids], of all rows
  View<double, 2, S> y;                // [rows, width], may be x
  float penalty = 1;
};

template <Space S>
Status check(const RepetitionPenalty<S>& op) {
  KIGO_TRY(expect_logits("repetition_penalty", op.x));
  KIGO_TRY(expect_view("repetition_penalty.history", op.history, op.history.shape));
  KIGO_TRY(expect_number("repetition_penalty.penalty", op.penalty, 0, 2, true));
  if constexpr (S == Space::Host) {
    for (int64_t n = 0; n < op.history.shape[0]; ++n)
      KIGO_TRY(expect_between("repetition_penalty.history", op.history(n), 0, op.x.shape[1] - 1));
  }
  return expect_view("repetition_penalty.y", op.y, op.x.shape);
}

}  // namespace kigo::ops
