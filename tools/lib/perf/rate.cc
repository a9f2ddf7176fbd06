#include "tools/lib/perf/rate.h"

#include <cmath>
#include <limits>

#include "core/base/cat.h"
#include "tools/lib/terminal.h"

namespace kigo::tools::perf {
namespace {

/// P(at least `count` of `trials`) when each happens with probability p, 0 < p < 1.
double at_least(int64_t count, int64_t trials, double p) {
  double sum = 0;
  const auto n = static_cast<double>(trials);
  for (int64_t k = count; k <= trials; ++k) {
    const auto x = static_cast<double>(k);
    sum += std::exp(std::lgamma(n + 1) - std::lgamma(x + 1) - std::lgamma(n - x + 1) + x * std::log(p) +
                    (n - x) * std::log1p(-p));
  }
  return sum;
}

/// The p at which at_least() is `wanted`: it rises with p.
double solve(int64_t count, int64_t trials, double wanted) {
  double low = 0, high = 1;
  for (int step = 0; step < 60; ++step) {
    const double middle = (low + high) / 2;
    (at_least(count, trials, middle) < wanted ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

double Rate::share() const {
  if (trials == 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(count) / static_cast<double>(trials);
}

Interval interval_of(const Rate& rate) {
  const auto& [count, trials] = rate;
  if (trials == 0) return {};
  const bool one_sided = count == 0 || count == trials;
  const double tail = one_sided ? 0.05 : 0.025;
  return {count == 0 ? 0 : solve(count, trials, tail),
          count == trials ? 1 : solve(count + 1, trials, 1 - tail)};
}

std::string text_of(const Rate& rate) {
  if (rate.trials == 0) return "none of none";
  const Interval interval = interval_of(rate);
  return cat(rate.count, " of ", rate.trials, ": ", brief(100 * rate.share()), " % (",
             brief(100 * interval.low), " to ", brief(100 * interval.high), " %)");
}

Json json_of(const Rate& rate) {
  const Interval interval = interval_of(rate);
  return Json::object(
      {{"count", rate.count}, {"trials", rate.trials}, {"low", interval.low}, {"high", interval.high}});
}

}  // namespace kigo::tools::perf
