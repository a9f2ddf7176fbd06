#include "tests/kernels/model/stage_math.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"
#include "core/base/half.h"
#include "core/compare/bound.h"
#include "kernels/linear_rows.h"
#include "kernels/linear_tiles.h"
#include "reference/rope.h"

namespace kigo::test {
namespace {

constexpr double kU = compare::kUnitFloat;
constexpr double kLeast = 0x1p-149;  // the smallest positive float
constexpr double kSlack = 1.02;      // products of roundings: core/compare/bound.h

double to_half(double value) { return double{to_float(to_f16(value))}; }
bool in_half(Products products) { return products == Products::half || products == Products::half_weights; }

/// Serial terms of the kernels' sums.
compare::Accumulation accumulation(Products products, int64_t cols, bool scalar) {
  const double units = std::ceil(static_cast<double>(cols) / 32) + (scalar ? 7 : 0);
  switch (products) {
    case Products::tiles:  // tests/pairs/linear.h
      return {.serial_terms = static_cast<double>(kernels::kLinearTileColumns) + units / 4 + 3};
    case Products::rows:  // tests/pairs/linear.h; three more: the norm's weight, the division by the root,
                          // the residual
      return {.serial_terms = 34 + std::ceil((units + 639) / 640) + 20 + 3 + 3};
    default:
      // Tensor cores add the exact products of 16 columns to a sum after shifting all of them to the largest
      // exponent, and cut off instead of rounding: up to one unit in the last place, 2^-23, for each addition
      // of such a group and as much again for what was shifted out of it.
      return {.unit = 0x1p-23, .serial_terms = std::ceil(static_cast<double>(cols) / 16) * 2 + 1};
  }
}

/// The kernel for few tokens sums scale * code and offset apart, and rounds in proportion to both. The
/// offsets of a row are what is left of its blocks with a scale of zero; empty for formats without.
std::vector<float> offsets_of(const quant::TensorType& type, const std::byte* row, int64_t cols) {
  if (type.name != "Q4_K") return {};
  std::vector<std::byte> blocks(row, row + cols / type.block_values * type.block_bytes);
  for (size_t at = 0; at < blocks.size(); at += type.block_bytes)
    std::fill_n(blocks.begin() + static_cast<std::ptrdiff_t>(at), sizeof(f16),
                std::byte{0});  // d, docs/formats.md
  std::vector<float> offsets(static_cast<size_t>(cols));
  type.decode(blocks.data(), cols, offsets.data());
  return offsets;
}

double root_of(std::span<const double> row, double eps) {
  double squares = 0;
  for (const double value : row) squares += value * value;
  return std::sqrt(squares / static_cast<double>(row.size()) + eps);
}

}  // namespace

std::vector<double> decoded(const gguf::Tensor& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.elements()));
  tensor.type->decode(tensor.data.data(), static_cast<int64_t>(values.size()), values.data());
  return {values.begin(), values.end()};
}

Expected exactly(std::span<const double> values) {
  return {{values.begin(), values.end()}, std::vector<double>(values.size())};
}

Expected multiplied(const Multiplied& op, Products products) {
  const auto in = static_cast<int64_t>(op.matrix->dims[0]);
  const auto out = static_cast<int64_t>(op.matrix->dims[1]);
  const int64_t tokens = static_cast<int64_t>(op.x.size()) / in;
  KIGO_CHECK(tokens * in == static_cast<int64_t>(op.x.size()));
  const quant::TensorType& type = *op.matrix->type;
  const int64_t row_bytes = in / type.block_values * type.block_bytes;
  const std::vector<double> bias = op.bias == nullptr ? std::vector<double>() : decoded(*op.bias);
  const bool halves = in_half(products);
  const bool fixed = products == Products::rows && type.block_values > 1;

  std::vector<double> x(op.x.begin(), op.x.end());
  for (int64_t t = 0; t < tokens; ++t) {
    const auto row = std::span(x).subspan(static_cast<size_t>(t * in), static_cast<size_t>(in));
    const double root = op.norm_weight.empty() ? 1 : root_of(row, op.norm_eps);
    for (size_t i = 0; i < row.size(); ++i) {
      if (!op.norm_weight.empty()) row[i] *= op.norm_weight[i] / root;
      if (halves) row[i] = to_half(row[i]);
    }
  }
  // The root of a fused norm: all its terms are positive, so its relative error is half of that of a sum with
  // at most width / 32 serial terms and a tree, plus the root and the division.
  const double root_error =
      op.norm_weight.empty() ? 0 : (static_cast<double>(in) / 32 + 16) / 2 * kU + 3 * kU;
  const compare::Accumulation how = accumulation(products, in, type.block_values == 1);

  Expected expected{std::vector<double>(static_cast<size_t>(tokens * out)),
                    std::vector<double>(static_cast<size_t>(tokens * out))};
#pragma omp parallel for schedule(static)
  for (int64_t j = 0; j < out; ++j) {
    std::vector<float> w(static_cast<size_t>(in));
    type.decode(op.matrix->data.data() + j * row_bytes, in, w.data());
    const std::vector<float> offsets = products == Products::rows
                                           ? offsets_of(type, op.matrix->data.data() + j * row_bytes, in)
                                           : std::vector<float>();
    if (halves)
      for (float& value : w) value = to_float(to_f16(double{value}));
    for (int64_t t = 0; t < tokens; ++t) {
      double sum = 0, magnitudes = 0;
      const std::span<const double> row =
          std::span(x).subspan(static_cast<size_t>(t * in), static_cast<size_t>(in));
      std::vector<double> rounded(fixed ? row.size() : 0);  // weights of what rounding x can add
      for (size_t i = 0; i < row.size(); ++i) {
        const double weight = double{w[i]}, offset = offsets.empty() ? 0 : double{offsets[i]};
        const double magnitude = std::abs(weight - offset) + std::abs(offset);
        sum += weight * row[i];
        magnitudes += magnitude * std::abs(row[i]);
        if (fixed) rounded[i] = std::abs(weight) + 0x1p-8 * magnitude;  // tests/pairs/projection.h
      }
      const auto at = static_cast<size_t>(t * out + j);
      double bound = root_error * std::abs(sum);
      if (fixed) bound += compare::shared_exponent_bound(rounded, row, kernels::kFixedPoint);
      for (const double more :
           {bias.empty() ? 0.0 : bias[static_cast<size_t>(j)], op.residual.empty() ? 0.0 : op.residual[at]}) {
        sum += more;
        magnitudes += std::abs(more);
      }
      expected.values[at] = sum;
      expected.bounds[at] = kSlack * bound + compare::dot_bound(in, magnitudes, sum, how) +
                            (halves ? kSlack * kU * std::abs(sum) : 0);
      // A bias behind the residual: the sum before it is rounded as well.
      if (!bias.empty() && !op.residual.empty())
        expected.bounds[at] += kSlack * kU * (std::abs(sum) + std::abs(bias[static_cast<size_t>(j)]));
    }
  }
  return expected;
}

Expected normed(std::span<const double> x, const gguf::Tensor& weight, double eps) {
  const std::vector<double> w = decoded(weight);
  const size_t width = w.size();
  const double roundings = (std::ceil(static_cast<double>(width) / 256) + 9 + 2) / 2 + 3;
  Expected expected = exactly(x);
  for (size_t at = 0; at < x.size(); at += width) {
    const double root = root_of(x.subspan(at, width), eps);
    for (size_t i = 0; i < width; ++i) {
      expected.values[at + i] = x[at + i] / root * w[i];
      expected.bounds[at + i] = kSlack * roundings * kU * std::abs(expected.values[at + i]) + kLeast;
    }
  }
  return expected;
}

Expected gated(const Expected& gate, const Expected& up) {
  Expected expected = gate;
  for (size_t i = 0; i < gate.values.size(); ++i) {
    const double z = gate.values[i];
    const double silu = z / (1 + std::exp(-z));
    expected.values[i] = silu * up.values[i];
    // |silu'| <= 1.1. On top of that: expf is off by 2 units in the last place, 4 u (CUDA programming guide);
    // the sum, the division and two products round once each.
    const double silu_error = 1.1 * gate.bounds[i] + 8 * kU * std::abs(silu);
    expected.bounds[i] =
        kSlack * (silu_error * (std::abs(up.values[i]) + up.bounds[i]) + std::abs(silu) * up.bounds[i]) +
        kU * std::abs(expected.values[i]) + kLeast * (1 + std::abs(up.values[i]));
  }
  return expected;
}

Expected turned(const Expected& rows, const Turning& op, int64_t heads) {
  const model::Config& config = *op.config;
  const std::vector<double> wide = op.divisors == nullptr ? std::vector<double>() : decoded(*op.divisors);
  const std::vector<float> divisors(wide.begin(), wide.end());
  const int64_t head_dim = config.head_dim;
  const int64_t tokens = static_cast<int64_t>(rows.values.size()) / (heads * head_dim);
  std::vector<int64_t> positions;
  for (int64_t t = 0; t < tokens; ++t) positions.push_back(op.first_position + t);
  const bool halves = config.architecture->position == model::Position::rope_halves;
  Expected expected = rows;
  const std::array<int64_t, 3> shape = {tokens, heads, head_dim};
  const Status done = reference::rope<double>(
      {.x = {rows.values.data(), shape},
       .positions = {positions.data(), {tokens}},
       .y = {expected.values.data(), shape},
       .pairing = halves ? ops::Pairing::halves : ops::Pairing::neighbours,
       .rope_dims = config.rope_dims,
       .base = config.rope_base,
       .factor = config.rope_factor,
       .divisors = {divisors.empty() ? nullptr : divisors.data(), {static_cast<int64_t>(divisors.size())}}});
  KIGO_CHECK(done.has_value());
  // a cos - b sin with sine and cosine rounded to float: three roundings for each product and the sum, in
  // units of |a| + |b|; one more for angles from double, whose error is far below it.
  const int64_t half = config.rope_dims / 2;
  for (size_t head = 0; head < rows.values.size(); head += static_cast<size_t>(head_dim)) {
    for (int64_t i = 0; i < half; ++i) {
      const size_t a = head + static_cast<size_t>(halves ? i : 2 * i);
      const size_t b = head + static_cast<size_t>(halves ? i + half : 2 * i + 1);
      const double inherited = rows.bounds[a] + rows.bounds[b];
      const double bound =
          kSlack * (inherited + 4 * kU * (std::abs(rows.values[a]) + std::abs(rows.values[b]))) + kLeast;
      expected.bounds[a] = expected.bounds[b] = bound;
    }
  }
  return expected;
}

namespace {

/// The weights of one query's positions, and how far the kernel's may be from them.
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

Scores scores_of(const Attended& op, size_t q, int64_t keys, int64_t g) {
  const int64_t kv_width = op.kv_heads * op.head_dim;
  const auto terms = static_cast<double>(op.head_dim);
  // Derived at attended(); in float at most all terms one after another, and two roundings for the scale.
  const double roundings = op.operands == ops::Operands::half ? 2 * terms + compare::kUnitHalf / kU : terms;
  Scores scores;
  for (int64_t p = 0; p < keys; ++p) {
    double sum = 0, magnitudes = 0;
    for (int64_t i = 0; i < op.head_dim; ++i) {
      const double product =
          op.q[q + static_cast<size_t>(i)] * op.k[static_cast<size_t>(p * kv_width + g * op.head_dim + i)];
      sum += product;
      magnitudes += std::abs(product);
    }
    scores.values.push_back(sum / std::sqrt(terms));
    scores.errors.push_back((roundings * magnitudes + 3 * std::abs(sum)) / std::sqrt(terms));
  }
  return scores;
}

Softmax softmax_of(const Scores& scores, ops::Operands operands) {
  const auto n = static_cast<double>(scores.values.size());
  const auto [least, most] = std::minmax_element(scores.values.begin(), scores.values.end());
  Softmax softmax;
  double total = 0;
  for (const double score : scores.values) total += softmax.weights.emplace_back(std::exp(score - *most));
  for (double& weight : softmax.weights) weight /= total;
  if (operands == ops::Operands::full) {
    // Of a weight, and as much for the sum of all of them.
    const double worst = *std::max_element(scores.errors.begin(), scores.errors.end());
    const double relative =
        2 * (2 * worst + (*most - *least) + 9 + 5 * (std::ceil(n / 32) + 1) + n + 64) * kU;
    softmax.relative.assign(scores.values.size(), relative);
    softmax.amplified = kSlack;
    return softmax;
  }
  const double tiles = std::ceil(n / 64);
  double mean = 0;
  for (size_t p = 0; p < softmax.weights.size(); ++p) {
    const double roundings = scores.errors[p] + (*most - scores.values[p]) + 4 + 5 * (tiles - 1);
    softmax.relative.push_back(std::expm1(kU * roundings));
    mean += softmax.weights[p] * softmax.relative[p];
  }
  const double sums = mean + 2 * kU * (2 * (n + tiles) + 6) + compare::kUnitHalf;
  for (double& relative : softmax.relative) relative += sums;
  softmax.absolute = 0x1p-25 / total;
  softmax.amplified = 1 / (1 - std::min(sums, 0.9));
  return softmax;
}

}  // namespace

/// Derived like tests/pairs/paged_attention.h.
///
/// Full: weights are off by twice the score's error (its own and the maximum's), u times the distance from
/// the maximum, expf with 4 u, and 5 u each time the running maximum moves, at most once a tile of 64
/// positions. Sums: one rounding a term, a tile and a split (up to 64); a division. The worst of a row stands
/// for all.
///
/// Half: tensor cores may cut instead of rounding, 2 u a term; queries move by 2^-11 of themselves, weights
/// by as much or, below the normal range, by 2^-25, where the largest is 1. Errors of scores are no longer
/// small: e^x - 1 stands for x, each position with its own, and the sum of weights for what it is at least.
Expected attended(const Attended& op) {
  const int64_t width = op.heads * op.head_dim;
  const int64_t kv_width = op.kv_heads * op.head_dim;
  const int64_t tokens = static_cast<int64_t>(op.q.size()) / width;
  Expected expected{std::vector<double>(op.q.size()), std::vector<double>(op.q.size())};
#pragma omp parallel for collapse(2) schedule(static)
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t h = 0; h < op.heads; ++h) {
      const int64_t keys = op.first_position + t + 1;
      const int64_t g = h / (op.heads / op.kv_heads);
      const auto q = static_cast<size_t>(t * width + h * op.head_dim);
      const Softmax softmax = softmax_of(scores_of(op, q, keys, g), op.operands);
      for (int64_t i = 0; i < op.head_dim; ++i) {
        double sum = 0, error = 0;
        for (int64_t p = 0; p < keys; ++p) {
          const auto at = static_cast<size_t>(p);
          const double v = op.v[static_cast<size_t>(p * kv_width + g * op.head_dim + i)];
          sum += softmax.weights[at] * v;
          error += (softmax.amplified * softmax.relative[at] * softmax.weights[at] + softmax.absolute) *
                       std::abs(v) +
                   2 * kLeast * (std::abs(v) + 1);
        }
        expected.values[q + static_cast<size_t>(i)] = sum;
        expected.bounds[q + static_cast<size_t>(i)] = error;
      }
    }
  }
  return expected;
}

Expected rounded_to_half(Expected expected) {
  for (size_t i = 0; i < expected.values.size(); ++i) {
    // 2^-25: half of the smallest subnormal.
    expected.bounds[i] +=
        kSlack * compare::kUnitHalf * (std::abs(expected.values[i]) + expected.bounds[i]) + 0x1p-25;
  }
  return expected;
}

}  // namespace kigo::test
