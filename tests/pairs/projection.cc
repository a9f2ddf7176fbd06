#include "tests/pairs/projection.h"

#include <algorithm>
#include <bit>

#include "core/compare/bound.h"
#include "kernels/linear_rows.h"
#include "reference/linear.h"
#include "reference/rmsnorm.h"
#include "tests/pairs/blocks.h"
#include "tests/pairs/wrong_blocks.h"

namespace kigo::pairs {
namespace {

int64_t cols_of(const quant::TensorType& type, const Tensor& blocks) {
  return blocks.shape[1] / type.block_bytes * type.block_values;
}

/// m of sum_bound() less the log2 cols that dot_bound() adds.
double serial_terms(const quant::TensorType& type, int64_t cols) {
  const auto levels = [](int64_t n) {
    return static_cast<int>(std::bit_width(static_cast<uint64_t>(n) - 1));
  };  // log2 n, rounded up
  const int64_t slices = (cols + kernels::kLinearRowsSlice - 1) / kernels::kLinearRowsSlice,
                warps = std::min<int64_t>((cols + 1023) / 1024, 20);
  const bool four_offsets = type.id == quant::Q2_K::gguf_id;
  const int64_t unit = type.block_values == 1 ? 32 : type.block_values == 32 ? 3 : four_offsets ? 9 : 5;
  // Scalars are dealt out so that even a short row may touch all of a warp's lanes.
  const int tree = type.block_values == 1 ? 5 : std::min(5, levels((cols + 31) / 32));
  return static_cast<double>(unit + 2 + tree + (warps - 1) + slices - levels(cols));
}

template <class... Formats>
struct Magnitudes {
  static std::vector<double> of(const quant::TensorType& type, int64_t cols, const Tensor& blocks) {
    std::vector<double> out;
    const bool known =
        ((type.id == Formats::gguf_id && (out = magnitudes<Formats>(type, cols, blocks), true)) || ...);
    KIGO_CHECK(known);
    return out;
  }
};

}  // namespace

const quant::TensorType& type_named(std::string_view name) {
  const quant::TensorType* type = quant::find_tensor_type(name);
  KIGO_CHECK(type != nullptr);
  return *type;
}

std::vector<double> magnitudes_of(const quant::TensorType& type, int64_t cols, const Tensor& blocks) {
  return quant::FormatList::into<Magnitudes>::of(type, cols, blocks);
}

double fixed_point_bound(std::span<const float> w, std::span<const double> magnitudes,
                         std::span<const double> x) {
  std::vector<double> weights(w.size());
  for (size_t i = 0; i < w.size(); ++i) weights[i] = std::abs(double{w[i]}) + 0x1p-8 * magnitudes[i];
  return compare::shared_exponent_bound(weights, x, kernels::kFixedPoint);
}

std::vector<double> sum_bound(const quant::TensorType& type, const Tensor& blocks, std::span<const double> x,
                              double extra) {
  const int64_t rows = blocks.shape[0], cols = cols_of(type, blocks);
  const std::vector<double> w = magnitudes_of(type, cols, blocks);
  const compare::Accumulation how{.serial_terms = serial_terms(type, cols) + extra};
  std::vector<double> bounds(static_cast<size_t>(rows));
  const bool whole = type.block_values > 1;
  const std::vector<float> values = whole ? decoded(type, cols, blocks) : std::vector<float>();
  for (size_t j = 0; j < bounds.size(); ++j) {
    const std::span row(w.data() + j * x.size(), x.size());
    double sum = 0;
    for (size_t i = 0; i < x.size(); ++i) sum += row[i] * std::abs(x[i]);
    bounds[j] = compare::dot_bound(cols, sum, 0, how);
    if (whole) bounds[j] += fixed_point_bound(std::span(values).subspan(j * x.size(), x.size()), row, x);
  }
  return bounds;
}

std::vector<double> normed(const NormedProduct& in) {
  std::vector<double> n(in.x.size());
  const std::vector<float> weight(in.weight.begin(), in.weight.end());
  const auto width = static_cast<int64_t>(n.size());
  KIGO_CHECK(reference::rmsnorm<double>({.x = {in.x.data(), {1, width}},
                                         .weight = {weight.data(), {width}},
                                         .y = {n.data(), {1, width}},
                                         .eps = in.eps})
                 .has_value());
  return n;
}

double root_roundings(int64_t width) {
  const int64_t slices = (width + kernels::kLinearRowsSlice - 1) / kernels::kLinearRowsSlice,
                stretches = (width + 127) / 128;  // of a warp's fours
  const int64_t thread = 4 * std::min<int64_t>(stretches, 8) * slices,
                warps = std::min<int64_t>(stretches, 20);
  return static_cast<double>(thread + 5 + warps + slices + 2) / 2 + 1;
}

std::vector<double> normed_product_bound(const quant::TensorType& type, const Tensor& blocks,
                                         const NormedProduct& in, std::span<const double> want) {
  const double relative =
      1.02 * (root_roundings(static_cast<int64_t>(in.x.size())) + 1) * compare::kUnitFloat;
  std::vector<double> bounds = sum_bound(type, blocks, normed(in), 1);
  for (size_t j = 0; j < bounds.size(); ++j) bounds[j] = 1.02 * bounds[j] + relative * std::abs(want[j]);
  return bounds;
}

std::vector<double> product_in_half(const quant::TensorType& type, const Tensor& blocks,
                                    std::span<const double> n) {
  const std::vector<float> w = decoded(type, cols_of(type, blocks), blocks);
  std::vector<double> out(static_cast<size_t>(blocks.shape[0]));
  for (size_t j = 0; j < out.size(); ++j) {
    for (size_t i = 0; i < n.size(); ++i)
      out[j] = double{to_float(to_f16(out[j] + double{w[j * n.size() + i]} * n[i]))};
  }
  return out;
}

std::vector<double> product(const quant::TensorType& type, const Tensor& blocks, std::span<const double> n) {
  const int64_t rows = blocks.shape[0], cols = cols_of(type, blocks);
  std::vector<double> out(static_cast<size_t>(rows));
  KIGO_CHECK(reference::linear<double>({.x = {n.data(), {1, cols}},
                                        .w = host_matrix(type, cols, blocks),
                                        .bias = {},
                                        .y = {out.data(), {1, rows}}})
                 .has_value());
  return out;
}

double matrix_bytes(const quant::TensorType& type, int64_t rows, int64_t cols) {
  return static_cast<double>(rows * (cols / type.block_values) * type.block_bytes);
}

}  // namespace kigo::pairs
