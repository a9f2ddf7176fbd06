// The kernel twin of reference::norm_qkv_rope_append.
#pragma once

#include "core/base/half.h"
#include "core/base/result.h"
#include "core/ops/norm_qkv_rope_append.h"
#include "kernels/runtime/overlap.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// With n = rmsnorm(x): y = rope(n Wq + bq), the cache gets rope(n Wk + bk) and n Wv + bv at positions[0].
/// The matrices are packed as core/ops/packing.h says.
/// Types   T = float; the matrices of every packed format, each of its own; cache C = float, f16, rounded
///         to nearest. Sums of w * (x * norm weight), rounded as in linear_rows.h, divided by the root mean
///         square, then the bias is added; angles in double, the turn in float.
/// Bounds  one token; those of the composed ops; head_dim even. The position and its page lie on the device,
///         where nobody checks them: the caller has.
/// Memory  heads and pages may be padded; nothing beyond the shapes is read or written; y must not be x. No
///         allocation, no sync: safe in a graph, where the position may change from run to run.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails.
/// Twin    reference::norm_qkv_rope_append, bound in tests/pairs/norm_qkv_rope_append.h.
template <class C>
Status norm_qkv_rope_append(const ops::NormQkvRopeAppend<float, C, Space::Device>& op, Stream stream,
                            Overlap overlap);

extern template Status norm_qkv_rope_append(const ops::NormQkvRopeAppend<float, float, Space::Device>&,
                                            Stream, Overlap);
extern template Status norm_qkv_rope_append(const ops::NormQkvRopeAppend<float, f16, Space::Device>&, Stream,
                                            Overlap);

}  // namespace kigo::kernels
