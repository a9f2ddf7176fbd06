// Everything but products and attention: embedding, norm, rotation, cache, gate, sum.
#include "tools/lib/compare/recipe.h"

#include <array>
#include <cmath>

#include "core/base/check.h"
#include "core/base/half.h"
#include "core/compare/bound.h"
#include "reference/rope.h"

namespace kigo::tools {
namespace {

/// Roundoff of one elementwise operation.
double unit_of(const Arithmetic& how) { return how.unit + how.stored_unit; }

/// Each value rounded to half once more, which its error may change by one place.
void round_to_half(Expected& expected) {
  for (size_t i = 0; i < expected.values.size(); ++i) {
    // 2^-25: half of the smallest subnormal.
    expected.bounds[i] +=
        kSlack * compare::kUnitHalf * (std::abs(expected.values[i]) + expected.bounds[i]) + 0x1p-25;
  }
}

Expected rows_or(std::span<const double> rows, const std::optional<Multiplied>& source,
                 const Arithmetic& how) {
  return source ? expected(*source, how) : exactly(rows);
}

}  // namespace

double to_half(double value) { return double{to_float(to_f16(value))}; }

double root_of(std::span<const double> row, double eps) {
  double squares = 0;
  for (const double value : row) squares += value * value;
  return std::sqrt(squares / static_cast<double>(row.size()) + eps);
}

std::vector<double> decoded(const gguf::Tensor& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.elements()));
  tensor.type->decode(tensor.data.data(), static_cast<int64_t>(values.size()), values.data());
  return {values.begin(), values.end()};
}

Expected exactly(std::span<const double> values) {
  return {{values.begin(), values.end()}, std::vector<double>(values.size())};
}

Expected expected(const Looked& op, const Arithmetic& how) {
  const quant::TensorType& type = *op.table->type;
  const auto width = static_cast<int64_t>(op.table->dims[0]);
  const int64_t row_bytes = width / type.block_values * type.block_bytes;
  std::vector<float> row(static_cast<size_t>(width));
  Expected want;
  for (const uint32_t id : op.tokens) {
    type.decode(op.table->data.data() + id * row_bytes, width, row.data());
    want.values.insert(want.values.end(), row.begin(), row.end());
  }
  if (how.products == Products::half_weights)
    for (double& value : want.values) value = to_half(value);
  want.bounds.resize(want.values.size());
  return want;
}

Expected expected(const Normed& op, const Arithmetic& how) {
  const std::vector<double> w = decoded(*op.weight);
  const size_t width = w.size();
  // The kernel's sum of squares: width / 256 serial terms and a tree. Any order: at worst one after another.
  const bool any = how.products == Products::any_order || how.products == Products::half_exact;
  const double terms = any ? static_cast<double>(width) : std::ceil(static_cast<double>(width) / 256) + 9;
  Expected expected = exactly(op.x);
  for (size_t at = 0; at < op.x.size(); at += width) {
    const double root = root_of(op.x.subspan(at, width), op.eps);
    for (size_t i = 0; i < width; ++i) {
      expected.values[at + i] = op.x[at + i] / root * w[i];
      const double roundings = ((terms + 2) / 2 + 3) * how.unit + 3 * how.stored_unit;
      expected.bounds[at + i] = kSlack * roundings * std::abs(expected.values[at + i]) + how.least;
    }
  }
  return expected;
}

Expected expected(const Gated& op, const Arithmetic& how) {
  const Expected gate = rows_or(op.gate, op.gate_source, how);
  const Expected up = rows_or(op.up, op.up_source, how);
  const double u = unit_of(how);
  Expected expected = gate;
  for (size_t i = 0; i < gate.values.size(); ++i) {
    const double z = gate.values[i];
    const double silu = z / (1 + std::exp(-z));
    expected.values[i] = silu * up.values[i];
    // |silu'| <= 1.1. On top of that: expf is off by 2 units in the last place, 4 u (CUDA programming guide);
    // the sum, the division and two products round once each.
    const double silu_error =
        1.1 * gate.bounds[i] + (8 * how.unit + how.stored_unit) * std::abs(silu) + how.stored_least;
    expected.bounds[i] =
        kSlack * (silu_error * (std::abs(up.values[i]) + up.bounds[i]) + std::abs(silu) * up.bounds[i]) +
        u * std::abs(expected.values[i]) + how.least * (1 + std::abs(up.values[i]));
  }
  return expected;
}

Expected expected(const Turned& op, const Arithmetic& how) {
  const Expected rows = rows_or(op.rows, op.source, how);
  const std::vector<double> wide = op.divisors == nullptr ? std::vector<double>() : decoded(*op.divisors);
  const std::vector<float> divisors(wide.begin(), wide.end());
  const int64_t tokens = static_cast<int64_t>(rows.values.size()) / (op.heads * op.head_dim);
  std::vector<int64_t> positions;
  for (int64_t t = 0; t < tokens; ++t) positions.push_back(op.first_position + t);
  Expected expected = rows;
  const std::array<int64_t, 3> shape = {tokens, op.heads, op.head_dim};
  const Status done = reference::rope<double>(
      {.x = {rows.values.data(), shape},
       .positions = {positions.data(), {tokens}},
       .y = {expected.values.data(), shape},
       .pairing = op.pairing,
       .rope_dims = op.rope_dims,
       .base = op.base,
       .factor = op.factor,
       .divisors = {divisors.empty() ? nullptr : divisors.data(), {static_cast<int64_t>(divisors.size())}}});
  KIGO_CHECK(done.has_value());
  // a cos - b sin with sine and cosine rounded: three roundings for each product and the sum, in units of
  // |a| + |b|; one more for angles from double, whose error is far below it. Angles in the side's own
  // precision, as engines from outside have them, are off by u times the angle, of frequency and product.
  const bool halves = op.pairing == ops::Pairing::halves;
  const int64_t half = op.rope_dims / 2;
  const double u = unit_of(how);
  for (size_t head = 0; head < rows.values.size(); head += static_cast<size_t>(op.head_dim)) {
    const auto t = static_cast<int64_t>(head) / (op.heads * op.head_dim);
    for (int64_t i = 0; i < half; ++i) {
      const size_t a = head + static_cast<size_t>(halves ? i : 2 * i);
      const size_t b = head + static_cast<size_t>(halves ? i + half : 2 * i + 1);
      const double turn = how.products == Products::any_order
                              ? 4 * static_cast<double>(positions[static_cast<size_t>(t)]) *
                                    std::pow(double{op.base}, -2.0 * static_cast<double>(i) /
                                                                  static_cast<double>(op.rope_dims)) *
                                    how.unit
                              : 0;
      const double inherited = rows.bounds[a] + rows.bounds[b];
      const double bound =
          kSlack * (inherited + (4 * u + turn) * (std::abs(rows.values[a]) + std::abs(rows.values[b]))) +
          how.least;
      expected.bounds[a] = expected.bounds[b] = bound;
    }
  }
  if (op.to_half) round_to_half(expected);
  return expected;
}

Expected expected(const Stored& op, const Arithmetic& how) {
  Expected expected = rows_or(op.rows, op.source, how);
  if (op.source) {
    if (op.to_half) round_to_half(expected);
  } else if (op.to_half) {  // rounded once, exactly
    for (double& value : expected.values) value = to_half(value);
  }
  return expected;
}

Expected expected(const Added& op, const Arithmetic& how) {
  Expected sum = exactly(op.a);
  for (size_t i = 0; i < sum.values.size(); ++i) {
    sum.values[i] += op.b[i];
    sum.bounds[i] = how.unit * std::abs(sum.values[i]) + how.least;  // rounded once
  }
  return sum;
}

Expected expected(const Recipe& recipe, const Arithmetic& how) {
  Expected expected = std::visit([&](const auto& op) { return tools::expected(op, how); }, recipe);
  if (how.stored_unit != 0 && !std::holds_alternative<Stored>(recipe))
    for (size_t i = 0; i < expected.values.size(); ++i)
      expected.bounds[i] += kSlack * how.stored_unit * (std::abs(expected.values[i]) + expected.bounds[i]) +
                            4 * how.stored_least;  // no stage rounds more often on its way
  return expected;
}

}  // namespace kigo::tools
