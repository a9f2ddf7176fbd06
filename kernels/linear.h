// The kernel twin of reference::linear: a choice by the number of tokens among the kernels that know how.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/result.h"
#include "core/ops/linear.h"
#include "kernels/runtime/overlap.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// Up to so many tokens each of them reads the whole matrix, which costs less than filling tiles.
inline constexpr int64_t kLinearRowsTokens = 8;

/// One row of the table by which linear() chooses: the first one whose most_tokens is not exceeded.
struct LinearChoice {
  std::string_view kernel;
  int64_t most_tokens;
  Status (*run)(const ops::Linear<float, Space::Device>& op, Stream stream, Overlap overlap);
};

/// By rising most_tokens; the last one takes any number.
std::span<const LinearChoice> linear_choices();

/// y[t, j] = sum_i w(j, i) * x[t, i] (+ bias[j]); w packed as core/ops/packing.h says.
/// Types   T = float; w of every format of quant::FormatList, decoded exactly. Sums in float, each in an
///         order that depends on the length of a row, its format and the kernel chosen: the same bits for
///         every number of tokens up to kLinearRowsTokens, where linear_rows.h says how x is rounded, and for
///         every number beyond.
/// Bounds  at least one row and one column, fewer than 2^30 columns; tokens == 0 launches nothing.
/// Memory  rows of x and y may be padded; nothing beyond the shape is read or written; w aligned to
///         256 bytes; y must not be x. No allocation, no sync: safe in a graph. Only the kernel for few
///         tokens overlaps with its predecessor.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails.
/// Twin    reference::linear, bound in tests/pairs/linear.h.
/// Source  GGUF stores a matrix as [in, out], in fastest: docs/gguf.md, section 7.
Status linear(const ops::Linear<float, Space::Device>& op, Stream stream, Overlap overlap);

}  // namespace kigo::kernels
