// Matrix times many vectors, all in float: what linear() chooses for prompts.
#pragma once

#include "core/base/result.h"
#include "core/ops/linear.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// Columns whose products one thread adds up before the sum joins the total: with c columns an output meets
/// at most kLinearTileColumns + ceil(c / kLinearTileColumns) + 1 roundings one after another.
inline constexpr int64_t kLinearTileColumns = 128;

/// The table of the two sizes of a thread block: rows by tokens. With fewer than kLinearWideBlocks wide
/// blocks multiprocessors would idle (an H100 or H200 has 132), and narrow ones are taken. Bits do not depend
/// on it.
inline constexpr int64_t kLinearTileRows = 128;
inline constexpr int64_t kLinearWideTokens = 64;
inline constexpr int64_t kLinearNarrowTokens = 16;
inline constexpr int64_t kLinearWideBlocks = 132;

/// y[t, j] = sum_i w(j, i) * x[t, i] (+ bias[j]); w packed as core/ops/packing.h says.
/// Types   T = float; w of every packed format, decoded exactly. Sums in float, in an order that depends on
/// the
///         row's length and format alone: the same bits for any number of tokens, and so for any way to cut a
///         prompt into chunks that all come here.
/// Bounds  at least one row and one column, fewer than 2^31 columns; tokens == 0 launches nothing.
/// Memory  rows of x and y may be padded; nothing beyond the shape is read or written; y must not be x. No
///         allocation, no sync: safe in a graph.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails.
/// Twin    reference::linear, bound in tests/pairs/linear.h.
Status linear_tiles(const ops::Linear<float, Space::Device>& op, Stream stream);

}  // namespace kigo::kernels
