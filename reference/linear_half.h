// linear with both operands rounded to half first: what tensor cores are given, with sums in double.
#pragma once

#include "core/base/result.h"
#include "core/ops/linear.h"

namespace kigo::reference {

/// y[t, j] = sum_i half(w(j, i)) * half(x[t, i]) (+ bias[j]), as core/ops/linear.h says, the sum in double.
/// Memory  A copy of x, and one of w in float.
/// Errors  Those of core/ops/linear.h.
/// Twin    linear on operands that are halves already.
Status linear_half(const ops::Linear<double, Space::Host>& op);

}  // namespace kigo::reference
