// What the pairs of the fused decode operations share: weights of a type chosen at run time, products of a
// normed vector, and how far those may be from the truth.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/quant/tensor_type.h"
#include "tests/pairs/pair.h"

namespace kigo::pairs {

/// The type of this name ("Q4_K"), which must be one of quant::FormatList.
const quant::TensorType& type_named(std::string_view name);

/// |scale * code| + |offset| of every element, as magnitudes<F>() of wrong_blocks.h says, for a type of
/// quant::FormatList.
std::vector<double> magnitudes_of(const quant::TensorType& type, int64_t cols, const Tensor& blocks);

/// What rounding x to whole numbers (kernels::kFixedPoint) can add to sum_i w[i] * x[i], and the conversion
/// of a sum's lower digits: 2^-8 of that, before the offsets are taken off.
double fixed_point_bound(std::span<const float> w, std::span<const double> magnitudes,
                         std::span<const double> x);

/// Per row of w how far the sum of w(j, i) * x[i] may be from the truth before it is stored, x having `extra`
/// roundings of its own:  1.02 u (m + extra) sum |w x| + underflow, m the roundings that an addend meets, and
/// for formats of codes fixed_point_bound() on top.
///
/// m: the scale is taken out of a group's sum, so that |scale code x| + |offset x| is what is rounded.
/// Scalars are up to 32 terms one after another. Of codes a group's sum is whole numbers, rounded once when
/// it becomes a float; the groups' sums are added one after another, at most four of them, or two and two
/// offsets, or of Q2_K four and four, and in blocks of 32 one and its offset, whose sum of x is rounded once
/// as well. Scaling and the decoded weight's own rounding are two more. The warp's tree has 5 levels, of
/// which those beyond a short row add zeros. The sums of up to 20 warps, and of the slices of a long row,
/// come one after another.
std::vector<double> sum_bound(const quant::TensorType& type, const Tensor& blocks, std::span<const double> x,
                              double extra);

/// Where a product of a normed vector comes from.
struct NormedProduct {
  std::span<const double> x;       // [width]
  std::span<const double> weight;  // [width], of the norm
  float eps = 0;
};

/// x / sqrt(mean x^2 + eps) * weight, in double.
std::vector<double> normed(const NormedProduct& in);

/// Relative roundings, in units of u, of the root mean square: a thread's share of the squares, eight of
/// every 256 columns and at most 32 a slice, one after another, the warp's tree, the warps that have any, up
/// to 20, and the slices: all positive, so the sum is off by at most so many u. Mean and eps are two more;
/// the root halves them all and rounds once.
double root_roundings(int64_t width);

/// Per row how far z = sum w n, n = normed(in), may be from the truth `want`, made as sum (w * (x * weight))
/// / root: the sum's bound with one more rounding per term, that of x * weight; then the root's roundings and
/// the division's, relative to z.
std::vector<double> normed_product_bound(const quant::TensorType& type, const Tensor& blocks,
                                         const NormedProduct& in, std::span<const double> want);

/// sum_i w(j, i) * n[i], each partial sum rounded to half.
std::vector<double> product_in_half(const quant::TensorType& type, const Tensor& blocks,
                                    std::span<const double> n);
/// The same in double, by the reference.
std::vector<double> product(const quant::TensorType& type, const Tensor& blocks, std::span<const double> n);

/// How a wrong twin may multiply: product() or product_in_half().
using Multiply =
    std::function<std::vector<double>(const quant::TensorType&, const Tensor&, std::span<const double>)>;

/// Bytes of a matrix as it lies in a file.
double matrix_bytes(const quant::TensorType& type, int64_t rows, int64_t cols);

}  // namespace kigo::pairs
