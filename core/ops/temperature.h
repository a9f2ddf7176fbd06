// The contract of temperature: the first step from logits to a draw.
#pragma once

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"
#include "core/ops/logits.h"

namespace kigo::ops {

/// y[r, i] = x[r, i] / temperature, in double, not rounded to float.
/// Types   x float, y double.
/// Bounds  0 < temperature <= 2 (0 is greedy: argmax); those of expect_logits; rows == 0 does nothing.
/// Memory  rows may be padded; nothing beyond the shape is read or written.
/// Errors  bad_shape, unsupported.
/// Source  docs/worker.md, section 5, step 1.
template <Space S>
struct Temperature {
  View<const float, 2, S> x;  // [rows, width]
  View<double, 2, S> y;       // [rows, width]
  float temperature = 1;
};

template <Space S>
Status check(const Temperature<S>& op) {
  KIGO_TRY(expect_logits("temperature", op.x));
  KIGO_TRY(expect_number("temperature.temperature", op.temperature, 0, 2, true));
  return expect_view("temperature.y", op.y, op.x.shape);
}

}  // namespace kigo::ops
