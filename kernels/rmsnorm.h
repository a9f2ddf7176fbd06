// The kernel twin of reference::rmsnorm.
#pragma once

#include "core/base/half.h"
#include "core/base/result.h"
#include "core/ops/rmsnorm.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// y[t, i] = x[t, i] / sqrt(mean_j x[t, j]^2 + eps) * weight[i], each row on its own.
/// Types   T = float, f16, bf16. Sums in float, the result rounded once.
/// Bounds  1 <= width <= 32768; tokens == 0 launches nothing.
/// Memory  rows may be padded; nothing beyond the shape is read or written; y may be x. No allocation, no
/// sync:
///         safe in a graph.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails.
/// Twin    reference::rmsnorm, bound in tests/pairs/rmsnorm.h.
/// Source  arXiv:1910.07467, eq. 4.
template <class T>
Status rmsnorm(const ops::RmsNorm<T, Space::Device>& op, Stream stream);

extern template Status rmsnorm(const ops::RmsNorm<float, Space::Device>&, Stream);
extern template Status rmsnorm(const ops::RmsNorm<f16, Space::Device>&, Stream);
extern template Status rmsnorm(const ops::RmsNorm<bf16, Space::Device>&, Stream);

}  // namespace kigo::kernels
