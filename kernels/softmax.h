// The kernel twin of reference::softmax.
#pragma once

#include "core/base/half.h"
#include "core/base/result.h"
#include "core/ops/softmax.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// y[r, i] = e^(x[r, i] - m) / sum_j e^(x[r, j] - m), with m the row's maximum, each row on its own.
/// Types   T = float, f16, bf16. Sums in float, the result rounded once more to T.
/// Bounds  1 <= width < 2^31; rows == 0 launches nothing. -inf gives 0; a row that holds NaN or +inf, or
///         nothing but -inf, becomes NaN from end to end.
/// Memory  rows may be padded; nothing beyond the shape is read or written; y may be x. No allocation, no
///         sync: safe in a graph.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails.
/// Twin    reference::softmax, bound in tests/pairs/softmax.h.
/// Source  N. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., section 27.
template <class T>
Status softmax(const ops::Softmax<T, Space::Device>& op, Stream stream);

extern template Status softmax(const ops::Softmax<float, Space::Device>&, Stream);
extern template Status softmax(const ops::Softmax<f16, Space::Device>&, Stream);
extern template Status softmax(const ops::Softmax<bf16, Space::Device>&, Stream);

}  // namespace kigo::kernels
