// linear for large models: other arithmetic than the plain twin's, in exchange for speed, within a derived
// bound of it.
#pragma once

#include <cstdint>
#include <span>

#include "core/base/result.h"
#include "core/ops/linear.h"

namespace kigo::reference {

/// How linear_fast adds up. Column i belongs to lane i % kFastLanes; the products of a lane within one block
/// of kFastBlock columns are added in float, what comes of that in double.
inline constexpr int64_t kFastLanes = 16;
inline constexpr int64_t kFastBlock = 256;

/// Roundings to float that a term meets: that of x, of the product, and of the additions to a sum that starts
/// at zero, of which the first is exact.
inline constexpr int64_t kFastRoundings = 2 + kFastBlock / kFastLanes - 1;

/// y[t, j] = sum_i w(j, i) * x[t, i] (+ bias[j]), as core/ops/linear.h says, summed as above.
///
/// Order   Each y on its own: a lane within a block in float, i rising; a lane over its blocks in double,
/// from
///         the first on; the lanes in double, from the first on; the bias in double; then one rounding to T.
///         Nothing is fused. So the bits do not depend on the number of tokens, rows or threads, nor on
///         `width`.
/// Bound   With m = kFastRoundings, u = 2^-24, v = 2^-53, n columns and c = 1.02, without over- or underflow,
///           |y - exact| <= (c m u + c (n / 256 + 18) v) * (sum_i |w(j, i) x[t, i]| + |bias[j]|) + rounding
///           to T.
///         A term meets m roundings in float (N. Higham, "Accuracy and Stability of Numerical Algorithms",
///         2nd ed., lemma 3.1: c as in core/compare/bound.h), and in double one for each block, 16 for the
///         lanes and one for the bias. The plain twin itself is within c (n + 1) v of the exact sum.
///         Underflow adds at most 2^-149 (|w(j, i)| + 1) for each column: x and the product are each off by
///         no more than half the smallest float.
/// Range   |x| and the sums of a lane within a block below 2^128; beyond that y is infinite or NaN.
/// Types   T = float, double.
/// Memory  A copy of x in float, and four rows of w for each thread.
/// Width   The vector registers to use, as floats: one of fast_widths(), or 0 for the widest.
/// Errors  Those of core/ops/linear.h.
/// Twin    linear; tests/reference/linear_fast_test.cc also writes the order out in plain loops.
template <class T>
Status linear_fast(const ops::Linear<T, Space::Host>& op, int64_t width = 0);

/// The widths that this processor has: 4 and, where it can, 8 (AVX2) and 16 (AVX-512).
std::span<const int64_t> fast_widths();

extern template Status linear_fast(const ops::Linear<float, Space::Host>&, int64_t);
extern template Status linear_fast(const ops::Linear<double, Space::Host>&, int64_t);

}  // namespace kigo::reference
