#include "core/compare/bound.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "core/base/check.h"

namespace kigo::compare {
namespace {

constexpr double kSlack = 1.02;  // c of the derivation

size_t argmax(Values values) {
  size_t best = 0;
  for (size_t i = 1; i < values.size(); ++i) {
    if (values[i] > values[best]) best = i;
  }
  return best;
}

/// log sum exp, the highest value taken out so that nothing overflows.
double log_sum(Values values) {
  const double highest = values[argmax(values)];
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) sum += std::exp(values[i] - highest);
  return highest + std::log(sum);
}

/// The indices of the k highest values, rising.
std::vector<size_t> top(Values values, size_t k) {
  std::vector<size_t> indices(values.size());
  std::iota(indices.begin(), indices.end(), size_t{0});
  std::ranges::stable_sort(indices, std::ranges::greater{}, [&](size_t i) { return values[i]; });
  indices.resize(k);
  std::ranges::sort(indices);
  return indices;
}

}  // namespace

double dot_bound(int64_t k, double sum_of_magnitudes, double want, const Accumulation& how) {
  KIGO_CHECK(k >= 0);
  if (k == 0) return 0;                                              // an empty sum is exactly zero
  const auto levels = std::bit_width(static_cast<uint64_t>(k) - 1);  // log2 k, rounded up
  const double roundings = static_cast<double>(levels) + how.serial_terms;
  const double underflow = (static_cast<double>(k) * how.least + how.least_out) / 2;
  return kSlack * how.unit * roundings * sum_of_magnitudes + how.unit_out * std::abs(want) + underflow;
}

double shared_exponent_bound(Values w, Values x, const SharedExponent& how) {
  KIGO_CHECK(w.size() == x.size() && how.columns > 0);
  const auto columns = static_cast<size_t>(how.columns);
  double bound = 0;
  for (size_t first = 0; first < x.size(); first += columns) {
    double largest = how.least, weights = 0;
    for (size_t i = first; i < std::min(first + columns, x.size()); ++i) {
      largest = std::max(largest, std::abs(x[i]));
      weights += std::abs(w[i]);
    }
    bound += how.unit * largest * weights;
  }
  return bound;
}

double nmse(Values got, Values want) {
  KIGO_CHECK(got.size() == want.size());
  double error = 0, power = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    error += (got[i] - want[i]) * (got[i] - want[i]);
    power += want[i] * want[i];
  }
  if (power == 0) return error == 0 ? 0 : std::isnan(error) ? error : kInfinity;
  return error / power;
}

double kl_divergence(Values got, Values want) {
  KIGO_CHECK(got.size() == want.size() && want.size() != 0);
  const double got_log = log_sum(got), want_log = log_sum(want);
  double sum = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    const double log_p = want[i] - want_log, log_q = got[i] - got_log;
    const double p = std::exp(log_p), q = std::exp(log_q), log_ratio = log_p - log_q;
    // p log(p/q) - p + q has the same sum and is never negative: rounding cannot take the result below 0.
    if (p == 0) {
      sum += q;
    } else if (std::abs(log_ratio) <= 1) {
      sum += p * (log_ratio +
                  std::expm1(-log_ratio));  // q - p = p expm1(log(q/p)), accurate where they are close
    } else {
      sum += p * log_ratio - p + q;
    }
  }
  return sum;
}

double top_k_agreement(Values got, Values want, size_t k) {
  KIGO_CHECK(got.size() == want.size());
  k = std::min(k, want.size());
  if (k == 0) return 1;
  const std::vector<size_t> a = top(got, k), b = top(want, k);
  std::vector<size_t> both;
  std::ranges::set_intersection(a, b, std::back_inserter(both));
  return static_cast<double>(both.size()) / static_cast<double>(k);
}

Choice greedy_choice(Values got, Values want) {
  KIGO_CHECK(got.size() == want.size() && want.size() != 0);
  Choice choice{argmax(got), argmax(want), kInfinity};
  for (size_t i = 0; i < want.size(); ++i) {
    if (i != choice.want) choice.margin = std::min(choice.margin, want[choice.want] - want[i]);
  }
  return choice;
}

}  // namespace kigo::compare
