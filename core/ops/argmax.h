// The contract of argmax: the greedy choice.
#pragma once

#include <cstdint>

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"

namespace kigo::ops {

/// ids[r] = the lowest i with x[r, i] = max_j x[r, j], each row on its own.
/// Types   T = double, float, f16, bf16; compared as they are, -0 equals +0.
/// Bounds  1 <= width < 2^31; rows == 0 does nothing. NaN is never the largest; a row of nothing but NaN
///         gives 0.
/// Memory  rows of x may be padded; nothing beyond the shape is read or written.
/// Errors  bad_shape; unsupported for a width out of bounds.
/// Source  ties to the lowest id, as torch.argmax and llama.cpp's greedy sampler decide them on a CPU.
template <class T, Space S>
struct Argmax {
  View<const T, 2, S> x;     // [rows, width]
  View<uint32_t, 1, S> ids;  // [rows]
};

template <class T, Space S>
Status check(const Argmax<T, S>& op) {
  KIGO_TRY(expect_view("argmax.x", op.x, op.x.shape));
  KIGO_TRY(expect_between("argmax.width", op.x.shape[1], 1, INT32_MAX));
  return expect_view("argmax.ids", op.ids, {op.x.shape[0]});
}

}  // namespace kigo::ops
