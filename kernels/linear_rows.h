// Matrix times few vectors, made for one: what linear() chooses for up to 8 tokens, and the decode step's
// sums onto the residual stream.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/result.h"
#include "core/compare/bound.h"
#include "core/ops/linear.h"
#include "kernels/runtime/overlap.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// How x enters the products with formats of codes, here and in the fused operations of a decode step: as
/// whole numbers of 23 bits and a sign with a power of two that 32 columns share, so that their sums with the
/// codes are exact (kernels/device/fixed_point.cuh).
inline constexpr compare::SharedExponent kFixedPoint{.columns = 32, .unit = 0x1p-22, .least = 0x1p-105};

/// Columns that a block of warps covers; a longer row is walked in several such slices.
inline constexpr int64_t kLinearRowsSlice = 20480;

/// y[t, j] = sum_i w(j, i) * x[t, i] (+ bias[j]); w packed as core/ops/packing.h says.
/// Types   T = float; w of every packed format. For formats of codes x is rounded as kFixedPoint says. Sums
///         in float, those of a group of codes exact, in an order that depends on the row's length alone:
///         the same bits for any number of tokens, rows and multiprocessors. A NaN or an infinity among 32
///         columns of x that meet codes makes the sum NaN.
/// Bounds  at most 65535 tokens, of which each reads the whole matrix: meant for 1 to 8; tokens == 0 launches
///         nothing.
/// Memory  rows of x and y may be padded; nothing beyond the shape is read or written; y must not be x. No
///         allocation, no sync: safe in a graph.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails.
/// Twin    reference::linear, bound in tests/pairs/linear.h.
Status linear_rows(const ops::Linear<float, Space::Device>& op, Stream stream, Overlap overlap);

/// The same with a residual that is added last; no data: none. Its shape is that of y, of which it may be the
/// memory. `name` is that of the op, for errors. The arguments are checked already.
Status linear_rows_add(std::string_view name, const ops::Linear<float, Space::Device>& op,
                       const View<const float, 2, Space::Device>& residual, Stream stream, Overlap overlap);

}  // namespace kigo::kernels
