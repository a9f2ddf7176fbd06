// The statistics behind a verdict. Nothing here is random: the same samples give the same numbers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace kigo::tools::perf {

/// The value below which a share of all lies, between the two nearest by distance (type 7 of R. Hyndman and
/// Y. Fan, "Sample quantiles in statistical packages", The American Statistician 50, 1996). NaN without
/// values; NaN among them gives anything.
double quantile(std::vector<double> values, double share);

/// quantile(values, 0.5).
double median(std::vector<double> values);

/// 1.4826 * median |x - median(x)|: the standard deviation of normal values, which outliers up to half of
/// them leave alone. NaN without values.
double robust_deviation(const std::vector<double>& values);

/// The median of head[j] - base[i] over all pairs. NaN when a side is empty. Source: J. Hodges and
/// E. Lehmann, "Estimates of location based on rank tests", Annals of Mathematical Statistics 34, 1963.
double hodges_lehmann(std::span<const double> base, std::span<const double> head);

/// The chance of a difference as large as this or larger, in either direction, when both sides come from one
/// distribution: U test of H. Mann and D. Whitney (1947), with equal values sharing their mean rank. Exact
/// when no two values are equal and n*m is at most 400, otherwise normal with the correction for ties and for
/// continuity. 1 when a side is empty or all values are equal.
double mann_whitney_p(std::span<const double> base, std::span<const double> head);

/// Median of the slopes (y[j] - y[i]) / (j - i), i < j: H. Theil (1950), P. Sen (1968). 0 below two values.
double theil_sen_slope(std::span<const double> values);

/// The chance of a rise as steady as this or steadier in values without a trend: S test of H. Mann (1945) and
/// M. Kendall, normal, with the corrections for ties and for continuity. 1 below two values.
double rise_p(std::span<const double> values);

/// The chance that a standard normal number is above z.
double normal_tail(double z);

/// The chance that Student's t with so many degrees of freedom is above t; at least 1e-300.
double student_tail(double t, double degrees);

/// The reverse: t > 0 with student_tail(t, degrees) = chance, 0 < chance < 0.5.
double student_quantile(double chance, double degrees);

/// The chance that F, the quotient of two variances with so many degrees of freedom, is above f.
double f_tail(double f, double above, double below);

/// Derivatives of log gamma, x > 0: the first and the second. To 1e-10.
double digamma(double x);
double trigamma(double x);
/// The reverse of trigamma, y > 0.
double inverse_trigamma(double y);

}  // namespace kigo::tools::perf
