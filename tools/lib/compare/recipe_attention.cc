// Attention in double, and how far from it an engine may be.
#include <algorithm>
#include <cmath>

#include "tools/lib/compare/recipe.h"

namespace kigo::tools {
namespace {

/// The weights of one query's positions, and how far the engine's may be from them.
struct Softmax {
  std::vector<double> weights;   // they add up to 1
  std::vector<double> relative;  // error of a term weight * v, of the sums included
  double absolute = 0;           // what weights below the normal range of half are off by besides
  double amplified = 1;          // products of errors
};

/// Scores q k / sqrt(head_dim) of a head and their errors, in units of u.
struct Scores {
  std::vector<double> values;
  std::vector<double> errors;
};

Scores scores_of(const Attended& op, size_t q, int64_t keys, int64_t g, const Arithmetic& how) {
  const int64_t kv_width = op.kv_heads * op.head_dim;
  const auto terms = static_cast<double>(op.head_dim);
  // Derived below; in float at most all terms one after another, and two roundings for the scale.
  const double roundings =
      how.attention == ops::Operands::half ? 2 * terms + compare::kUnitHalf / how.unit : terms;
  Scores scores;
  for (int64_t p = 0; p < keys; ++p) {
    double sum = 0, magnitudes = 0, inherited = 0;
    for (int64_t i = 0; i < op.head_dim; ++i) {
      const double key = op.k[static_cast<size_t>(p * kv_width + g * op.head_dim + i)];
      const double product = op.q[q + static_cast<size_t>(i)] * key;
      sum += product;
      magnitudes += std::abs(product);
      if (!op.q_bounds.empty()) inherited += op.q_bounds[q + static_cast<size_t>(i)] * std::abs(key);
    }
    const double stored = how.stored_unit / how.unit * std::abs(sum);
    scores.values.push_back(sum / std::sqrt(terms));
    scores.errors.push_back((roundings * magnitudes + 3 * std::abs(sum) + 3 * stored + inherited / how.unit) /
                            std::sqrt(terms));
  }
  return scores;
}

Softmax softmax_of(const Scores& scores, const Arithmetic& how) {
  const double u = how.unit;
  const auto n = static_cast<double>(scores.values.size());
  const auto [least, most] = std::minmax_element(scores.values.begin(), scores.values.end());
  Softmax softmax;
  double total = 0;
  for (const double score : scores.values) total += softmax.weights.emplace_back(std::exp(score - *most));
  for (double& weight : softmax.weights) weight /= total;
  if (how.attention == ops::Operands::full) {
    // Of a weight, and as much for the sum of all of them.
    const double worst = *std::max_element(scores.errors.begin(), scores.errors.end());
    const bool any = how.products == Products::any_order || how.products == Products::half_exact;
    const double splits = any ? 0 : 64;  // sums in any order have their roundings in n
    const double relative =
        2 * (2 * worst + (*most - *least) + 9 + 5 * (std::ceil(n / 32) + 1) + n + splits) * u +
        3 * how.stored_unit;
    softmax.relative.assign(scores.values.size(), relative);
    softmax.amplified = kSlack;
    return softmax;
  }
  const double tiles = std::ceil(n / 64);
  double mean = 0;
  for (size_t p = 0; p < softmax.weights.size(); ++p) {
    const double roundings = scores.errors[p] + (*most - scores.values[p]) + 4 + 5 * (tiles - 1);
    softmax.relative.push_back(std::expm1(u * roundings));
    mean += softmax.weights[p] * softmax.relative[p];
  }
  const double sums = mean + 2 * u * (2 * (n + tiles) + 6) + compare::kUnitHalf;
  for (double& relative : softmax.relative) relative += sums;
  softmax.absolute = 0x1p-25 / total;
  softmax.amplified = 1 / (1 - std::min(sums, 0.9));
  return softmax;
}

void attend(const Attended& op, const Arithmetic& how, int64_t t, int64_t h, Expected& expected) {
  const int64_t kv_width = op.kv_heads * op.head_dim;
  const int64_t held = static_cast<int64_t>(op.k.size()) / kv_width;
  const int64_t keys = std::clamp<int64_t>(op.first_position + t + 1 + op.ahead, 0, held);
  if (keys == 0) return;  // nothing to see leaves zeros
  const int64_t g = h / (op.heads / op.kv_heads);
  const auto q = static_cast<size_t>((t * op.heads + h) * op.head_dim);
  const Softmax softmax = softmax_of(scores_of(op, q, keys, g, how), how);
  for (int64_t i = 0; i < op.head_dim; ++i) {
    double sum = 0, error = 0;
    for (int64_t p = 0; p < keys; ++p) {
      const auto at = static_cast<size_t>(p);
      const double v = op.v[static_cast<size_t>(p * kv_width + g * op.head_dim + i)];
      sum += softmax.weights[at] * v;
      error +=
          (softmax.amplified * softmax.relative[at] * softmax.weights[at] + softmax.absolute) * std::abs(v) +
          2 * how.least * (std::abs(v) + 1);
    }
    expected.values[q + static_cast<size_t>(i)] = sum;
    expected.bounds[q + static_cast<size_t>(i)] = error;
  }
}

}  // namespace

/// Derived like tests/pairs/paged_attention.h.
///
/// Full: weights are off by twice the score's error (its own and the maximum's), u times the distance from
/// the maximum, expf with 4 u, and 5 u each time the running maximum moves, at most once a tile of 64
/// positions. Sums: one rounding a term, a tile and a split (up to 64); a division. The worst of a row stands
/// for all. Where scores, weights and their sums are stored shorter than computed, one such rounding each.
///
/// Half: tensor cores may cut instead of rounding, 2 u a term; queries move by 2^-11 of themselves, weights
/// by as much or, below the normal range, by 2^-25, where the largest is 1. Errors of scores are no longer
/// small: e^x - 1 stands for x, each position with its own, and the sum of weights for what it is at least.
Expected expected(const Attended& op, const Arithmetic& how) {
  const int64_t tokens = static_cast<int64_t>(op.q.size()) / (op.heads * op.head_dim);
  Expected expected{std::vector<double>(op.q.size()), std::vector<double>(op.q.size())};
#ifdef _OPENMP
#pragma omp parallel for collapse(2) schedule(static)
#endif
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t h = 0; h < op.heads; ++h) attend(op, how, t, h, expected);
  return expected;
}

}  // namespace kigo::tools
