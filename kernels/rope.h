// The kernel twin of reference::rope.
#pragma once

#include "core/base/half.h"
#include "core/base/result.h"
#include "core/ops/rope.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// With angle = positions[t] / factor * base^(-2i / rope_dims) / divisors[i], the pair (a, b) becomes
/// (a cos - b sin, a sin + b cos); elements from rope_dims on are copied. Without divisors each is 1.
/// Types   T = float, f16, bf16. Angles in double, their sine and cosine rounded to float, the turn in float,
///         the result rounded once more to T.
/// Bounds  rope_dims even, 2 to head_dim; up to 2^19 heads; 0 <= position < 2^31; tokens == 0 launches
///         nothing.
/// Memory  rows and heads may be padded; nothing beyond the shape is read or written; y may be x. No
///         allocation, no sync: safe in a graph.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails. Positions and divisors are not
/// looked
///         at.
/// Twin    reference::rope, bound in tests/pairs/rope.h.
/// Source  arXiv:2104.09864, eq. 34; linear scaling: arXiv:2306.15595.
template <class T>
Status rope(const ops::Rope<T, Space::Device>& op, Stream stream);

extern template Status rope(const ops::Rope<float, Space::Device>&, Stream);
extern template Status rope(const ops::Rope<f16, Space::Device>&, Stream);
extern template Status rope(const ops::Rope<bf16, Space::Device>&, Stream);

}  // namespace kigo::kernels
