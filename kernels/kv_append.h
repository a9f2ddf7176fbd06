// The kernel twin of reference::kv_append.
#pragma once

#include "core/base/half.h"
#include "core/base/result.h"
#include "core/ops/kv_append.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// cache.k[table(p / 16), g, p % 16] = k[t, g] with p = positions[t], the same for v.
/// Types   k and v float; cache C = float, f16, rounded once.
/// Bounds  0 <= position < 16 * pages of the table, each at most once; kv_heads * head_dim up to 2^24; tokens
/// == 0
///         launches nothing. Nothing else of the cache changes.
/// Memory  rows and heads of k and v may be padded, and pages too. No allocation, no sync: safe in a graph.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails. Positions and pages are not looked
/// at. Twin    reference::kv_append, equal values. Source  pages: arXiv:2309.06180, section 4.
template <class C>
Status kv_append(const ops::KvAppend<float, C, Space::Device>& op, Stream stream);

extern template Status kv_append(const ops::KvAppend<float, float, Space::Device>&, Stream);
extern template Status kv_append(const ops::KvAppend<float, f16, Space::Device>&, Stream);

}  // namespace kigo::kernels
