#include "tools/lib/haiku/draw_margin.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "core/base/check.h"
#include "core/sample/philox.h"

namespace kigo::tools {
namespace {

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

}  // namespace

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
