// The contract of attention: causal, grouped-query, over the keys and values of all positions so far.
#pragma once

#include "core/base/cat.h"
#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"

namespace kigo::ops {

/// y[t, h] = sum_p softmax_p(q[t, h] . k[p, g] / sqrt(head_dim)) * v[p, g], with g = h / (heads / kv_heads)
/// and p from 0 to positions - tokens + t: the queries are the last `tokens` positions of the cache, and no
/// query looks ahead.
/// Types   T = double, float, f16, bf16; sums and softmax in double in the reference, the result rounded
///         once. The maximum is subtracted before exp, so that no finite score overflows.
/// Bounds  heads a multiple of kv_heads, both >= 1; 1 <= head_dim <= 256; tokens <= positions; tokens == 0
///         does nothing.
/// Memory  rows and heads may be padded; nothing beyond the shape is read or written; y may be q.
/// Errors  bad_shape; unsupported for a head_dim out of bounds.
/// Source  arXiv:1706.03762, eq. 1; groups: arXiv:2305.13245, section 2.2.
template <class T, Space S>
struct Attention {
  View<const T, 3, S> q;  // [tokens, heads, head_dim]
  View<const T, 3, S> k;  // [positions, kv_heads, head_dim]
  View<const T, 3, S> v;  // [positions, kv_heads, head_dim]
  View<T, 3, S> y;        // [tokens, heads, head_dim], may be q
};

template <class T, Space S>
Status check(const Attention<T, S>& op) {
  const auto [tokens, heads, head_dim] = op.q.shape;
  const auto [positions, kv_heads, key_dim] = op.k.shape;
  KIGO_TRY(expect_view("attention.q", op.q, op.q.shape));
  KIGO_TRY(expect_between("attention.head_dim", head_dim, 1, 256));
  KIGO_TRY(expect_view("attention.k", op.k, {positions, kv_heads, head_dim}));
  KIGO_TRY(expect_view("attention.v", op.v, op.k.shape));
  KIGO_TRY(expect_view("attention.y", op.y, op.q.shape));
  if (heads < 1 || kv_heads < 1 || heads % kv_heads != 0) {
    return fail(Code::bad_shape, "attention.heads", cat(heads), cat("a multiple of ", kv_heads, " kv_heads"));
  }
  if (tokens > positions) {
    return fail(Code::bad_shape, "attention.q", cat(tokens, " tokens"), cat("at most ", positions));
  }
  return {};
}

}  // namespace kigo::ops
