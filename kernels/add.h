// The kernel twin of reference::add.
#pragma once

#include "core/base/half.h"
#include "core/base/result.h"
#include "core/ops/add.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// y[t, i] = a[t, i] + b[t, i].
/// Types   T = float, f16, bf16. Added in float, the result rounded once more to T.
/// Bounds  any width up to 2^26; tokens == 0 launches nothing.
/// Memory  rows may be padded; nothing beyond the shape is read or written; y may be a or b. No allocation,
/// no
///         sync: safe in a graph.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails.
/// Twin    reference::add, bound in tests/pairs/add.h.
/// Source  the residual connection, arXiv:1512.03385, eq. 1.
template <class T>
Status add(const ops::Add<T, Space::Device>& op, Stream stream);

extern template Status add(const ops::Add<float, Space::Device>&, Stream);
extern template Status add(const ops::Add<f16, Space::Device>&, Stream);
extern template Status add(const ops::Add<bf16, Space::Device>&, Stream);

}  // namespace kigo::kernels
