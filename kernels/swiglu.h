// The kernel twin of reference::swiglu.
#pragma once

#include "core/base/half.h"
#include "core/base/result.h"
#include "core/ops/swiglu.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// y[t, i] = silu(gate[t, i]) * up[t, i], with silu(z) = z / (1 + e^-z).
/// Types   T = float, f16, bf16. Computed in float, the result rounded once more to T.
/// Bounds  any width up to 2^26; tokens == 0 launches nothing. A large negative finite gate gives -0 * up.
/// Memory  rows may be padded; nothing beyond the shape is read or written; y may be gate or up. No
///         allocation, no sync: safe in a graph.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails.
/// Twin    reference::swiglu, bound in tests/pairs/swiglu.h.
/// Source  arXiv:2002.05202, eq. 6.
template <class T>
Status swiglu(const ops::SwiGlu<T, Space::Device>& op, Stream stream);

extern template Status swiglu(const ops::SwiGlu<float, Space::Device>&, Stream);
extern template Status swiglu(const ops::SwiGlu<f16, Space::Device>&, Stream);
extern template Status swiglu(const ops::SwiGlu<bf16, Space::Device>&, Stream);

}  // namespace kigo::kernels
