#include "tools/lib/haiku/draw_margin.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "core/base/check.h"
#include "core/sample/philox.h"

namespace kigo::tools {
namespace {

constexpr double kUnexplained = 1e9;
constexpr double kNever = std::numeric_limits<double>::infinity();

/// ln(A / B) of a share A / (A + B); infinite at 0 and 1.
double log_odds(double share) {
  if (share <= 0) return -kNever;
  return share >= 1 ? kNever : std::log(share / (1 - share));
}

/// Between two shares; never where one of them cannot move.
double distance(double a, double b) {
  const double gap = std::abs(log_odds(a) - log_odds(b));
  return std::isnan(gap) ? kNever : gap;
}

std::vector<double> falling(std::vector<double> weights) {
  std::ranges::sort(weights, std::greater());
  return weights;
}

double gap(double larger, double smaller) { return smaller > 0 ? std::log(larger / smaller) : kNever; }

/// Of the nucleus: `weights` falling, their sum `total`.
double nucleus_margin(const std::vector<double>& weights, double total, double p) {
  double before = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const double sum = before + weights[i];
    if (sum / total >= p) {
      const double last = i + 1 < weights.size() ? gap(weights[i], weights[i + 1]) : kNever;
      return std::min({last, distance(sum / total, p), distance(before / total, p)});
    }
    before = sum;
  }
  return kNever;
}

/// An id with its x = ln(weight), its weight, and whether the filters surely or possibly leave it.
struct Candidate {
  uint32_t id;
  double x, weight;
  bool surely = true, possibly = true;
};

/// Sums of the weights of those that `counts`, up to each candidate.
template <class Counts>
std::vector<double> sums(const std::vector<Candidate>& all, const Counts& counts) {
  std::vector<double> sums{0};
  for (const Candidate& each : all) sums.push_back(sums.back() + (counts(each) ? each.weight : 0));
  return sums;
}

/// How many of all, whose x falls, are above a value.
size_t above(const std::vector<Candidate>& all, double x) {
  return static_cast<size_t>(std::ranges::partition_point(all, [&](const Candidate& c) { return c.x > x; }) -
                             all.begin());
}

/// `all` with x falling; each x is off by at most `error`.
void filter(std::vector<Candidate>& all, const sample::Params& params, double error) {
  if (params.top_k != 0 && all.size() > params.top_k) {
    const double last = all[params.top_k - 1].x, next = all[params.top_k].x;
    for (Candidate& each : all) {
      each.surely = each.x > next + 2 * error;
      each.possibly = each.x >= last - 2 * error;
    }
  }
  if (params.top_p >= 1) return;
  const double up = std::exp(error), down = std::exp(-error), p = params.top_p;
  const auto sure = sums(all, [](const Candidate& c) { return c.surely; });
  const auto possible = sums(all, [](const Candidate& c) { return c.possibly; });
  std::vector<Candidate> out = all;
  for (size_t i = 0; i < all.size(); ++i) {
    const size_t before = std::min(above(all, all[i].x + 2 * error), i);
    const double least = sure[before] * down;
    const double most = (possible[std::max(above(all, all[i].x - 2 * error), i + 1)] - all[i].weight) * up;
    const double rest = std::max(sure.back() - sure[std::max(above(all, all[i].x - 2 * error), i + 1)], 0.0);
    out[i].possibly =
        all[i].possibly && (i == 0 || least < p * (least + (possible.back() - possible[before]) * up));
    out[i].surely = all[i].surely && most < p * (most + (rest + all[i].weight) * down);
  }
  all = std::move(out);
}

bool could_be_drawn(std::vector<Candidate> all, const sample::Params& params, double u, double error,
                    uint32_t got) {
  filter(all, params, error);
  double before_sure = 0, upto_possible = 0, behind_sure = 0, from_possible = 0;
  bool found = false;
  for (const Candidate& each : all) {
    found = found || (each.id == got && each.possibly);
    (each.id < got ? before_sure : behind_sure) += each.surely && each.id != got ? each.weight : 0;
    (each.id <= got ? upto_possible : from_possible) += each.possibly ? each.weight : 0;
    if (each.id == got) from_possible += each.possibly ? each.weight : 0;
  }
  const double up = std::exp(error), down = std::exp(-error);
  const double low = before_sure * down / (before_sure * down + from_possible * up);
  const double high = upto_possible * up / (upto_possible * up + behind_sure * down);
  return found && low <= u && u <= high;
}

}  // namespace

Result<double> draw_deficit(std::span<const float> logits, const sample::Params& params,
                            std::span<const uint32_t> history, uint64_t token_index,
                            std::span<const uint8_t> allowed, uint32_t got) {
  KIGO_CHECK(params.min_p == 0 && params.temperature > 0);
  sample::Params unfiltered = params;
  unfiltered.top_k = 0;
  unfiltered.top_p = 1;
  KIGO_ASSIGN(const auto whole, sample::distribution(logits, unfiltered, history, token_index, allowed));
  std::vector<Candidate> all;
  for (size_t i = 0; i < whole.ids.size(); ++i)
    if (whole.weights[i] > 0) all.push_back({whole.ids[i], std::log(whole.weights[i]), whole.weights[i]});
  std::ranges::stable_sort(all, std::greater(), &Candidate::x);
  const double u = sample::uniform(params.seed, token_index);
  const double scale =
      params.temperature / std::max<double>(params.repetition_penalty, 1 / params.repetition_penalty);
  const auto explains = [&](double error) { return could_be_drawn(all, params, u, error / scale, got); };
  constexpr double kLargest = 100;
  if (!explains(kLargest)) return kUnexplained;
  double low = 1e-6, high = kLargest;
  while (high > low * 1.001) {
    const double middle = std::sqrt(low * high);
    (explains(middle) ? high : low) = middle;
  }
  return high;
}

Result<double> draw_margin(std::span<const float> logits, const sample::Params& params,
                           std::span<const uint32_t> history, uint64_t token_index,
                           std::span<const uint8_t> allowed) {
  KIGO_CHECK(params.min_p == 0 && params.temperature > 0);
  double margin = kNever;
  sample::Params wide = params;
  wide.top_p = 1;
  if (params.top_k != 0) {
    wide.top_k = params.top_k + 1;
    KIGO_ASSIGN(const auto more, sample::distribution(logits, wide, history, token_index, allowed));
    const std::vector<double> weights = falling(more.weights);
    if (weights.size() > params.top_k) margin = gap(weights[params.top_k - 1], weights[params.top_k]);
    wide.top_k = params.top_k;
  }
  if (params.top_p < 1) {
    KIGO_ASSIGN(const auto kept, sample::distribution(logits, wide, history, token_index, allowed));
    margin = std::min(margin, nucleus_margin(falling(kept.weights), kept.total, params.top_p));
  }
  KIGO_ASSIGN(const auto left, sample::distribution(logits, params, history, token_index, allowed));
  const double u = sample::uniform(params.seed, token_index);
  double sum = 0;
  for (size_t i = 0; i + 1 < left.ids.size(); ++i) {
    sum += left.weights[i];
    margin = std::min(margin, distance(sum / left.total, u));
  }
  const double penalty = params.repetition_penalty;
  return margin * params.temperature / std::max(penalty, 1 / penalty);
}

}  // namespace kigo::tools
