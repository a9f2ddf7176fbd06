// The contract of rmsnorm: each row divided by its root mean square.
#pragma once

#include <cmath>

#include "core/base/cat.h"
#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"

namespace kigo::ops {

/// y[t, i] = x[t, i] / sqrt(mean_j x[t, j]^2 + eps) * weight[i], each row on its own.
/// Types   T = double, float, f16, bf16; the result is rounded once.
/// Bounds  1 <= width <= 32768; eps finite and not negative; tokens == 0 does nothing. A row of zeros gives
///         zeros when eps > 0.
/// Memory  rows may be padded; nothing beyond the shape is read or written; y may be x.
/// Errors  bad_shape; unsupported for a width or eps out of bounds.
/// Source  arXiv:1910.07467, eq. 4.
template <class T, Space S>
struct RmsNorm {
  View<const T, 2, S> x;           // [tokens, width]
  View<const float, 1, S> weight;  // [width]
  View<T, 2, S> y;                 // [tokens, width], may be x
  float eps = 0;                   // added to the mean square, inside the root
};

/// What a norm reads, also as a part of a fused op. Errors: bad_shape, unsupported.
template <class T, Space S>
Status expect_norm(std::string_view subject, const View<const T, 2, S>& x,
                   const View<const float, 1, S>& weight, float eps) {
  KIGO_TRY(expect_view(cat(subject, ".x"), x, x.shape));
  KIGO_TRY(expect_between(cat(subject, ".width"), x.shape[1], 1, 32768));
  KIGO_TRY(expect_view(cat(subject, ".weight"), weight, {x.shape[1]}));
  if (!std::isfinite(eps) || eps < 0) {
    return fail(Code::unsupported, cat(subject, ".eps"), cat(eps), "a finite number from 0 on");
  }
  return {};
}

template <class T, Space S>
Status check(const RmsNorm<T, S>& op) {
  KIGO_TRY(expect_norm("rmsnorm", op.x, op.weight, op.eps));
  return expect_view("rmsnorm.y", op.y, op.x.shape);
}

}  // namespace kigo::ops
