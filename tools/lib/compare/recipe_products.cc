// Matrix products: sums in double on the decoded weights, and what the order and the operands of an engine's
// sums may change.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/check.h"
#include "core/base/half.h"
#include "core/compare/bound.h"
#include "kernels/linear_rows.h"
#include "kernels/linear_tiles.h"
#include "tools/lib/compare/recipe.h"

namespace kigo::tools {
namespace {

constexpr size_t kLanes = 8;  // tokens that share a walk over a row

/// Serial terms of the engine's sums.
compare::Accumulation accumulation(const Arithmetic& how, int64_t cols, bool scalar) {
  const double units = std::ceil(static_cast<double>(cols) / 32) + (scalar ? 7 : 0);
  switch (how.products) {
    case Products::tiles:  // tests/pairs/linear.h
      return {.serial_terms = static_cast<double>(kernels::kLinearTileColumns) + units / 4 + 3};
    case Products::rows:  // tests/pairs/linear.h; three more: the norm's weight, the division by the root,
                          // the residual
      return {.serial_terms = 34 + std::ceil((units + 639) / 640) + 20 + 3 + 3};
    case Products::half:
    case Products::half_weights:
      // Tensor cores add the exact products of 16 columns to a sum after shifting all of them to the largest
      // exponent, and cut off instead of rounding: up to one unit in the last place, 2^-23, for each addition
      // of such a group and as much again for what was shifted out of it.
      return {.unit = 0x1p-23, .serial_terms = std::ceil(static_cast<double>(cols) / 16) * 2 + 1};
    case Products::any_order:
    case Products::half_exact:
      break;
  }
  // Any order is at worst one term after another; three more as above.
  return {.unit = how.unit,
          .least = how.least,
          .serial_terms = static_cast<double>(cols) + 3,
          .unit_out = how.unit,
          .least_out = how.least};
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

/// A product on its way: operands as the engine has them, in panels of tokens.
class Product {
 public:
  Product(const Multiplied& op, const Arithmetic& how)
      : op_(op),
        how_(how),
        type_(*op.matrix->type),
        in_(static_cast<int64_t>(op.matrix->dims[0])),
        out_(static_cast<int64_t>(op.matrix->dims[1])),
        tokens_(op.x.size() / static_cast<size_t>(in_)),
        x_(op.x.begin(), op.x.end()),
        bias_(op.bias == nullptr ? std::vector<double>() : decoded(*op.bias)),
        sums_(accumulation(how, in_, type_.block_values == 1)) {
    KIGO_CHECK(tokens_ * static_cast<size_t>(in_) == op.x.size());
    // The root of a fused norm: all its terms are positive, so its relative error is half of that of their
    // sum, plus the root and the division. A kernel's sum has at most width / 32 serial terms and a tree.
    const double terms = how.products == Products::any_order || how.products == Products::half_exact
                             ? static_cast<double>(in_)
                             : static_cast<double>(in_) / 32 + 16;
    if (op.norm != nullptr) root_error_ = (terms / 2 + 3) * how.unit;
    prepare();
  }

  Expected run() {
    Expected expected{std::vector<double>(tokens_ * static_cast<size_t>(out_)),
                      std::vector<double>(tokens_ * static_cast<size_t>(out_))};
#ifdef _OPENMP
#pragma omp parallel for schedule(static)
#endif
    for (int64_t j = 0; j < out_; ++j) row(j, expected);
    return expected;
  }

 private:
  std::span<const double> token(size_t t) const {
    return std::span(x_).subspan(t * static_cast<size_t>(in_), static_cast<size_t>(in_));
  }
  bool fixed() const { return how_.products == Products::rows && type_.block_values > 1; }

  void prepare() {
    const std::vector<double> weight = op_.norm == nullptr ? std::vector<double>() : decoded(*op_.norm);
    for (size_t t = 0; t < tokens_; ++t) {
      const auto row = std::span(x_).subspan(t * static_cast<size_t>(in_), static_cast<size_t>(in_));
      const double root = op_.norm == nullptr ? 1 : root_of(row, op_.eps);
      for (size_t i = 0; i < row.size(); ++i) {
        if (op_.norm != nullptr) row[i] *= weight[i] / root;
        if (how_.halves()) row[i] = to_half(row[i]);
      }
    }
    const auto in = static_cast<size_t>(in_);
    panels_.resize((tokens_ + kLanes - 1) / kLanes * kLanes * in);
    for (size_t t = 0; t < tokens_; ++t)
      for (size_t i = 0; i < in; ++i)
        panels_[t / kLanes * kLanes * in + i * kLanes + t % kLanes] = x_[t * in + i];
  }

  /// What rounding x to the columns' shared exponents can add, and what errors of x do.
  double input_error(size_t t, std::span<const float> w, std::span<const double> magnitudes) const {
    double error = 0;
    if (fixed()) {
      std::vector<double> rounded(w.size());
      for (size_t i = 0; i < w.size(); ++i)
        rounded[i] = std::abs(double{w[i]}) + 0x1p-8 * magnitudes[i];  // tests/pairs/projection.h
      error += compare::shared_exponent_bound(rounded, token(t), kernels::kFixedPoint);
    }
    if (how_.stored_least != 0)  // of weights
      for (const double value : token(t)) error += how_.stored_least * std::abs(value);
    if (!op_.x_bounds.empty())
      for (size_t i = 0; i < w.size(); ++i) error += std::abs(double{w[i]}) * op_.x_bounds[t * w.size() + i];
    return error;
  }

  void row(int64_t j, Expected& expected) const {
    const auto in = static_cast<size_t>(in_);
    const std::byte* data = op_.matrix->data.data() + j * (in_ / type_.block_values * type_.block_bytes);
    std::vector<float> w(in);
    type_.decode(data, in_, w.data());
    const std::vector<float> offsets =
        how_.products == Products::rows ? offsets_of(type_, data, in_) : std::vector<float>();
    if (how_.halves())
      for (float& value : w) value = to_float(to_f16(double{value}));
    std::vector<double> magnitudes(in);
    for (size_t i = 0; i < in; ++i) {
      const double offset = offsets.empty() ? 0 : double{offsets[i]};
      magnitudes[i] = std::abs(double{w[i]} - offset) + std::abs(offset);
    }
    for (size_t first = 0; first < tokens_; first += kLanes) {
      std::array<double, kLanes> sum{}, size{};
      const double* panel = panels_.data() + first * in;
      for (size_t i = 0; i < in; ++i) {
        for (size_t lane = 0; lane < kLanes; ++lane) {
          sum[lane] += double{w[i]} * panel[i * kLanes + lane];
          size[lane] += magnitudes[i] * std::abs(panel[i * kLanes + lane]);
        }
      }
      for (size_t lane = 0; lane < std::min(kLanes, tokens_ - first); ++lane)
        finish(j, first + lane, sum[lane], size[lane], input_error(first + lane, w, magnitudes), expected);
    }
  }

  void finish(int64_t j, size_t t, double sum, double magnitudes, double error, Expected& expected) const {
    const size_t at = t * static_cast<size_t>(out_) + static_cast<size_t>(j);
    const double bias = bias_.empty() ? 0 : bias_[static_cast<size_t>(j)];
    double bound = root_error_ * std::abs(sum) + error;
    if (op_.norm != nullptr) bound += 2 * how_.stored_unit * magnitudes;
    for (const double more : {bias, op_.residual.empty() ? 0.0 : op_.residual[at]}) {
      sum += more;
      magnitudes += std::abs(more);
    }
    // An engine that keeps activations short keeps its weights so, too.
    bound += how_.stored_unit * magnitudes;
    expected.values[at] = sum;
    expected.bounds[at] = kSlack * bound + compare::dot_bound(in_, magnitudes, sum, sums_) +
                          (how_.halves() ? kSlack * how_.unit * std::abs(sum) : 0);
    // A bias behind the residual: the sum before it is rounded as well.
    if (!bias_.empty() && !op_.residual.empty())
      expected.bounds[at] += kSlack * how_.unit * (std::abs(sum) + std::abs(bias));
  }

  const Multiplied& op_;
  const Arithmetic& how_;
  const quant::TensorType& type_;
  int64_t in_;
  int64_t out_;
  size_t tokens_;
  std::vector<double> x_;
  std::vector<double> bias_;
  compare::Accumulation sums_;
  double root_error_ = 0;
  std::vector<double> panels_;  // [panel, in, lane]
};

}  // namespace

Expected expected(const Multiplied& op, const Arithmetic& how) { return Product(op, how).run(); }

}  // namespace kigo::tools
