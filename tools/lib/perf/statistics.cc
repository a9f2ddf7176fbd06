#include "tools/lib/perf/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

namespace kigo::tools::perf {
namespace {

constexpr size_t kExactPairs = 400;

/// The continued fraction of the incomplete beta function, by Lentz's method: M. Abramowitz and I. Stegun,
/// "Handbook of Mathematical Functions", 26.5.8.
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  const auto away_from_zero = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), fraction = d;
  for (int m = 1; m <= 300; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    double factor = 1;
    for (const double term : {even, odd}) {
      d = 1 / away_from_zero(1 + term * d);
      c = away_from_zero(1 + term / c);
      factor = c * d;
      fraction *= factor;
    }
    if (std::abs(factor - 1) < 1e-14) break;
  }
  return fraction;
}

/// The regularized incomplete beta function I_x(a, b).
double beta(double a, double b, double x) {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  const double scale =
      std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
  return x < (a + 1) / (a + b + 2) ? scale * beta_fraction(a, b, x) / a
                                   : 1 - scale * beta_fraction(b, a, 1 - x) / b;
}

/// The sum of t^3 - t over groups of t equal values. Takes them sorted.
double ties_of(std::span<const double> sorted) {
  double sum = 0;
  for (size_t begin = 0, end = 0; begin < sorted.size(); begin = end) {
    while (end < sorted.size() && sorted[end] == sorted[begin]) ++end;
    const auto count = static_cast<double>(end - begin);
    sum += count * count * count - count;
  }
  return sum;
}

/// Of all ways to deal n + m ranks out, the share whose U is at most u.
double exact_tail(size_t n, size_t m, size_t u) {
  // ways[j][s]: choices of j of the ranks so far whose U is s; each rank adds the count of the others before
  // it.
  const size_t most = n * m;
  std::vector<std::vector<double>> ways(n + 1, std::vector<double>(most + 1, 0));
  ways[0][0] = 1;
  for (size_t rank = 0; rank < n + m; ++rank) {
    for (size_t j = std::min(n, rank + 1); j-- > 0;) {
      const size_t before = rank - j;
      if (before > m) continue;
      for (size_t s = 0; s + before <= most; ++s) ways[j + 1][s + before] += ways[j][s];
    }
  }
  double all = 0, below = 0;
  for (size_t s = 0; s <= most; ++s) {
    all += ways[n][s];
    if (s <= u) below += ways[n][s];
  }
  return below / all;
}

}  // namespace

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return std::nan("");
  const double place = share * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(place);
  const auto at = values.begin() + static_cast<ptrdiff_t>(low);
  std::ranges::nth_element(values, at);
  const double rest = place - static_cast<double>(low);
  if (rest == 0 || at + 1 == values.end()) return *at;
  return *at + rest * (*std::min_element(at + 1, values.end()) - *at);
}

double median(std::vector<double> values) { return quantile(std::move(values), 0.5); }

double robust_deviation(const std::vector<double>& values) {
  const double middle = median(values);
  std::vector<double> distances;
  for (const double value : values) distances.push_back(std::abs(value - middle));
  return 1.4826 * median(std::move(distances));  // 1 / the quantile 3/4 of the normal distribution
}

double hodges_lehmann(std::span<const double> base, std::span<const double> head) {
  std::vector<double> differences;
  differences.reserve(base.size() * head.size());
  for (const double b : base) {
    for (const double h : head) differences.push_back(h - b);
  }
  return median(std::move(differences));
}

double mann_whitney_p(std::span<const double> base, std::span<const double> head) {
  if (base.empty() || head.empty()) return 1;
  std::vector<double> sorted(base.begin(), base.end()), all = sorted;
  std::ranges::sort(sorted);
  double u = 0;  // pairs in which head is the larger, an equal pair as half of one
  for (const double value : head) {
    const auto [low, high] = std::ranges::equal_range(sorted, value);
    u += static_cast<double>(low - sorted.begin()) + static_cast<double>(high - low) / 2;
  }
  all.insert(all.end(), head.begin(), head.end());
  std::ranges::sort(all);
  const double ties = ties_of(all);
  const auto n = static_cast<double>(base.size()), m = static_cast<double>(head.size()), total = n + m;
  const double less = std::min(u, n * m - u);
  if (ties == 0 && base.size() * head.size() <= kExactPairs)
    return std::min(1.0, 2 * exact_tail(base.size(), head.size(), static_cast<size_t>(less)));
  const double variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)));
  if (variance <= 0) return 1;
  return std::min(1.0, 2 * normal_tail((n * m / 2 - less - 0.5) / std::sqrt(variance)));
}

double theil_sen_slope(std::span<const double> values) {
  std::vector<double> slopes;
  for (size_t i = 0; i < values.size(); ++i) {
    for (size_t j = i + 1; j < values.size(); ++j)
      slopes.push_back((values[j] - values[i]) / static_cast<double>(j - i));
  }
  return slopes.empty() ? 0 : median(std::move(slopes));
}

double rise_p(std::span<const double> values) {
  double s = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    for (size_t j = i + 1; j < values.size(); ++j) s += (values[j] > values[i]) - (values[j] < values[i]);
  }
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  double counts = 0;  // sum of t (t - 1) (2 t + 5) over groups of equal values
  for (size_t begin = 0, end = 0; begin < sorted.size(); begin = end) {
    while (end < sorted.size() && sorted[end] == sorted[begin]) ++end;
    const auto count = static_cast<double>(end - begin);
    counts += count * (count - 1) * (2 * count + 5);
  }
  const auto n = static_cast<double>(values.size());
  const double variance = (n * (n - 1) * (2 * n + 5) - counts) / 18;
  if (variance <= 0) return 1;
  return normal_tail((s - (s > 0 ? 1 : s < 0 ? -1 : 0)) / std::sqrt(variance));
}

double normal_tail(double z) { return std::erfc(z / std::numbers::sqrt2) / 2; }

double student_tail(double t, double degrees) {
  const double tail = beta(degrees / 2, 0.5, degrees / (degrees + t * t)) / 2;
  return std::max(t >= 0 ? tail : 1 - tail, 1e-300);
}

double student_quantile(double chance, double degrees) {
  double low = 0, high = 1;
  while (student_tail(high, degrees) > chance && high < 1e12) low = high, high *= 2;
  for (int step = 0; step < 100 && high - low > 1e-10 * high; ++step) {
    const double middle = (low + high) / 2;
    (student_tail(middle, degrees) > chance ? low : high) = middle;
  }
  return (low + high) / 2;
}

double f_tail(double f, double above, double below) {
  return beta(below / 2, above / 2, below / (below + above * f));
}

// Both by recurrence to where the asymptotic series is exact enough: Abramowitz and Stegun 6.3.5, 6.3.18,
// 6.4.6, 6.4.12.
double digamma(double x) {
  double sum = 0;
  for (; x < 12; ++x) sum -= 1 / x;
  const double y = 1 / (x * x);
  return sum + std::log(x) - 0.5 / x - y * (1.0 / 12 - y * (1.0 / 120 - y * (1.0 / 252 - y / 240)));
}

double trigamma(double x) {
  double sum = 0;
  for (; x < 12; ++x) sum += 1 / (x * x);
  const double y = 1 / (x * x);
  return sum + 1 / x + y / 2 + y / x * (1.0 / 6 - y * (1.0 / 30 - y * (1.0 / 42 - y / 30)));
}

double inverse_trigamma(double y) {
  double low = 1e-8, high = 1e8;  // trigamma falls from 1/x^2 to 1/x
  for (int step = 0; step < 200 && high - low > 1e-12 * high; ++step) {
    const double middle = std::sqrt(low * high);
    (trigamma(middle) > y ? low : high) = middle;
  }
  return std::sqrt(low * high);
}

}  // namespace kigo::tools::perf
