// The kernel twin of reference::add_bias.
#pragma once

#include "core/base/half.h"
#include "core/base/result.h"
#include "core/ops/add_bias.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// y[t, i] = x[t, i] + bias[i].
/// Types   T = float, f16, bf16; the bias is float. Added in float, the result rounded once more to T.
/// Bounds  any width up to 2^26; tokens == 0 launches nothing.
/// Memory  rows may be padded; nothing beyond the shape is read or written; y may be x. No allocation, no
///         sync: safe in a graph.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails.
/// Twin    reference::add_bias, bound in tests/pairs/add_bias.h.
template <class T>
Status add_bias(const ops::AddBias<T, Space::Device>& op, Stream stream);

extern template Status add_bias(const ops::AddBias<float, Space::Device>&, Stream);
extern template Status add_bias(const ops::AddBias<f16, Space::Device>&, Stream);
extern template Status add_bias(const ops::AddBias<bf16, Space::Device>&, Stream);

}  // namespace kigo::kernels
