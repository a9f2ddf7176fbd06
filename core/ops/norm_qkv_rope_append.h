// The contract of norm_qkv_rope_append: all that a layer does before its attention, for one token.
#pragma once

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"
#include "core/ops/kv_append.h"
#include "core/ops/linear.h"
#include "core/ops/rmsnorm.h"
#include "core/ops/rope.h"

namespace kigo::ops {

/// A weight matrix with its bias, which may be absent (no data and size 0).
template <Space S>
struct Projection {
  Matrix<S> w;                   // [out, in]
  View<const float, 1, S> bias;  // [out]
};

/// With n = rmsnorm(x): q = rope(n Wq + bq), the cache gets rope(n Wk + bk) and n Wv + bv at positions[0].
/// Types   T = double, float; cache C = float, f16. The composition of rmsnorm, linear, rope and
///         kv_append; what reaches the cache is rounded to C once.
/// Bounds  one token; those of the composed ops; head_dim even.
/// Memory  rows and heads may be padded; nothing beyond the shapes is read or written.
/// Errors  bad_shape, unsupported: as the composed ops.
template <class T, class C, Space S>
struct NormQkvRopeAppend {
  View<const T, 2, S> x;                // [1, width]
  View<const float, 1, S> norm_weight;  // [width]
  float norm_eps = 0;
  Projection<S> q;                      // [heads * head_dim, width]
  Projection<S> k;                      // [kv_heads * head_dim, width]
  Projection<S> v;                      // [kv_heads * head_dim, width]
  View<const int64_t, 1, S> positions;  // [1]
  Pairing pairing = Pairing::halves;
  int64_t rope_dims = 0;
  float rope_base = 10000;
  float rope_factor = 1;
  View<const float, 1, S> rope_divisors = {};  // [rope_dims / 2], or none
  View<T, 3, S> y;                             // [1, heads, head_dim], the rotated queries
  KvCache<C, S> cache;                         // [.., kv_heads, 16, head_dim]
};

/// As linear checks it. Errors: bad_shape, unsupported.
template <Space S>
Status expect_projection(std::string_view subject, const Projection<S>& projection, int64_t rows,
                         int64_t cols) {
  KIGO_TRY(expect_matrix(subject, projection.w));
  if (projection.w.rows != rows || projection.w.cols != cols) {
    return fail(Code::bad_shape, std::string(subject),
                cat("shape [", projection.w.rows, ", ", projection.w.cols, "]"),
                cat("[", rows, ", ", cols, "]"));
  }
  const bool no_bias = projection.bias.data == nullptr && projection.bias.shape[0] == 0;
  return no_bias ? Status{} : expect_view(cat(subject, ".bias"), projection.bias, {rows});
}

template <class T, class C, Space S>
Status check(const NormQkvRopeAppend<T, C, S>& op) {
  const int64_t width = op.x.shape[1];
  const auto [tokens, heads, head_dim] = op.y.shape;
  const int64_t kv_heads = op.cache.k.shape[1];
  KIGO_TRY(expect_between("norm_qkv_rope_append.tokens", op.x.shape[0], 1, 1));
  KIGO_TRY(expect_norm("norm_qkv_rope_append", op.x, op.norm_weight, op.norm_eps));
  if (head_dim % 2 != 0) {
    return fail(Code::unsupported, "norm_qkv_rope_append.head_dim", cat(head_dim), "an even number");
  }
  KIGO_TRY(expect_projection("norm_qkv_rope_append.q", op.q, heads * head_dim, width));
  KIGO_TRY(expect_projection("norm_qkv_rope_append.k", op.k, kv_heads * head_dim, width));
  KIGO_TRY(expect_projection("norm_qkv_rope_append.v", op.v, kv_heads * head_dim, width));
  KIGO_TRY(check(Rope<T, S>{.x = op.y,
                            .positions = op.positions,
                            .y = op.y,
                            .pairing = op.pairing,
                            .rope_dims = op.rope_dims,
                            .base = op.rope_base,
                            .factor = op.rope_factor,
                            .divisors = op.rope_divisors}));
  KIGO_TRY(expect_view("norm_qkv_rope_append.y", op.y, {1, heads, head_dim}));
  KIGO_TRY(expect_cache("norm_qkv_rope_append.cache", op.cache, kv_heads, head_dim));
  if constexpr (S == Space::Host) KIGO_TRY(expect_positions("norm_qkv_rope_append", op.positions, op.cache));
  return {};
}

}  // namespace kigo::ops
