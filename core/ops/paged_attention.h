// The contract of paged_attention: causal, grouped-query, over a cache in pages.
#pragma once

#include <cstdint>

#include "core/base/cat.h"
#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"
#include "core/ops/kv_append.h"
#include "core/ops/kv_cache.h"

namespace kigo::ops {

/// How exactly a kernel multiplies where tokens are many. The reference is always exact.
enum class Operands : uint8_t {
  full,  // floats
  half,  // queries and weights e^(score - m) may be rounded to half first (|q| < 65504); sums stay floats
};

/// y[t, h] = sum_p softmax_p(q[t, h] . k[p, g] / sqrt(head_dim)) * v[p, g], with g = h / (heads / kv_heads)
/// and p from 0 to positions[t]: a query sees its own position, whose key is in the cache, and nothing later.
/// Types   T = double, float; cache C = float, f16, widened exactly. The maximum is subtracted before exp.
/// Bounds  heads a multiple of kv_heads, both >= 1; head_dim 32, 64, 80, 96 or 128; 0 <= positions[t] <
///         16 * pages of the table, in any order; as much context as memory holds; tokens == 0 does nothing.
/// Memory  rows and heads may be padded, and pages too; nothing beyond positions[t] is read; y may be q.
/// Errors  bad_shape; unsupported for a head_dim, position or page out of bounds (the latter two where they
///         are host memory).
/// Source  arXiv:1706.03762, eq. 1; groups: arXiv:2305.13245, section 2.2; pages: arXiv:2309.06180.
template <class T, class C, Space S>
struct PagedAttention {
  View<const T, 3, S> q;                // [tokens, heads, head_dim]
  View<const int64_t, 1, S> positions;  // [tokens]
  KvCache<const C, S> cache;
  View<T, 3, S> y;               // [tokens, heads, head_dim], may be q
  View<float, 1, S> workspace;   // of a kernel: at least paged_attention_workspace() floats; else empty
  View<uint32_t, 1, S> tickets;  // of a kernel: at least paged_attention_tickets(), zero before and after
  Operands operands = Operands::full;
};

template <class T, class C, Space S>
Status check(const PagedAttention<T, C, S>& op) {
  const auto [tokens, heads, head_dim] = op.q.shape;
  const int64_t kv_heads = op.cache.k.shape[1];
  KIGO_TRY(expect_view("paged_attention.q", op.q, op.q.shape));
  KIGO_TRY(expect_view("paged_attention.positions", op.positions, {tokens}));
  if (head_dim != 32 && head_dim != 64 && head_dim != 80 && head_dim != 96 && head_dim != 128)
    return fail(Code::unsupported, "paged_attention.head_dim", cat(head_dim), "32, 64, 80, 96 or 128");
  KIGO_TRY(expect_cache("paged_attention.cache", op.cache, kv_heads, head_dim));
  KIGO_TRY(expect_view("paged_attention.y", op.y, op.q.shape));
  if (heads < 1 || kv_heads < 1 || heads % kv_heads != 0) {
    return fail(Code::bad_shape, "paged_attention.heads", cat(heads),
                cat("a multiple of ", kv_heads, " kv_heads"));
  }
  if constexpr (S == Space::Host) KIGO_TRY(expect_positions("paged_attention", op.positions, op.cache));
  return {};
}

}  // namespace kigo::ops
