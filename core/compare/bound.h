// How far a result may be from its truth by rounding alone; and, for whole models, where such bounds would
// say nothing, how far two sets of logits are apart.
#pragma once

#include <cstdint>
#include <limits>

#include "core/compare/values.h"

namespace kigo::compare {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Unit roundoffs: half the distance from 1 to the next number.
inline constexpr double kUnitDouble = 0x1p-53;
inline constexpr double kUnitFloat = 0x1p-24;
inline constexpr double kUnitHalf = 0x1p-11;
inline constexpr double kUnitBf16 = 0x1p-8;

/// How a sum of products was made. The defaults are float throughout, one term to a thread.
struct Accumulation {
  double unit = kUnitFloat;      // roundoff of products and sums
  double least = 0x1p-149;       // the smallest positive number of that type
  double serial_terms = 1;       // r: terms that one thread adds one after another; k for a plain loop
  double unit_out = kUnitFloat;  // roundoff of the stored result
  double least_out = 0x1p-149;   // the smallest positive number of its type
};

/// Bound of |computed - exact| for sum_i w[i] * x[i] over k products:
///   c * unit * (log2 k + r) * sum|w*x| + unit_out * |want|,  c = 1.02, log2 rounded up, plus what underflow
///   can add.
///
/// Derivation. Each product is rounded once. A thread's first term is exact to add, its other r - 1 are
/// rounded; then n = ceil(k / r) partial sums meet in a tree of ceil(log2 n) levels. So an addend meets at
/// most r + ceil(log2 n) roundings, and ceil(log2 n) <= ceil(log2 k). With m roundings the sum is off by at
/// most m u / (1 - m u) * sum|w*x| (N. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed.,
/// lemma 3.1 and section 4.2). While m u <= 0.01, 1 / (1 - m u) < 1.0102. Storing rounds once more, relative
/// to want and to the error so far; c covers the latter for every unit_out up to 2^-8. A product below the
/// normal range is off by least / 2, a stored result by least_out / 2; sums do not underflow.
double dot_bound(int64_t k, double sum_of_magnitudes, double want, const Accumulation& how = {});

/// A vector kept as whole multiples of a power of two that `columns` neighbours share: what it is rounded by,
/// relative to the largest magnitude among them; smaller magnitudes than `least` round like `least`.
struct SharedExponent {
  int64_t columns;
  double unit = kUnitFloat;
  double least = 0;
};

/// What that rounding of x can add to sum_i w[i] * x[i]:
///   sum over groups g of columns  unit * max(max_g |x|, least) * sum_g |w|
double shared_exponent_bound(Values w, Values x, const SharedExponent& how);

/// sum (got - want)^2 / sum want^2; 0 when both are zero, infinite when only the truth is, NaN for NaN.
double nmse(Values got, Values want);

/// sum_i p_i (log p_i - log q_i), p = softmax(want), q = softmax(got), in nats: what the output loses in the
/// eyes of the truth. 0 exactly for equal probabilities. One row of logits; NaN for NaN.
double kl_divergence(Values got, Values want);

/// How many of the k highest of `want` are among the k highest of `got`, as a share of k. Ties: lowest index.
double top_k_agreement(Values got, Values want, size_t k);

/// The greedy choices of two rows of logits, and whether a difference between them means anything.
struct Choice {
  size_t got;
  size_t want;
  double margin;  // highest minus second highest of the truth; infinite for a single logit
  /// Two logits, each off by at most `error`, cannot change places across a margin of 2 * error.
  bool decided(double error) const { return margin >= 2 * error; }
  bool agrees() const { return got == want; }
};
Choice greedy_choice(Values got, Values want);

}  // namespace kigo::compare
