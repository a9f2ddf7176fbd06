// The contract of kv_append: the keys and values of new tokens join the cache.
#pragma once

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"
#include "core/ops/kv_cache.h"

namespace kigo::ops {

/// cache.k[table(p / 16), g, p % 16] = k[t, g] with p = positions[t], the same for v; each value rounded once
/// to the cache's type C (float, f16).
/// Types   T = double, float.
/// Bounds  0 <= position < 16 * pages of the table, each position at most once; table entries below the
/// pool's
///         pages; tokens == 0 does nothing. Nothing else of the cache changes.
/// Memory  rows and heads of k and v may be padded, and pages too.
/// Errors  bad_shape; unsupported for a position or page out of bounds (checked where they are host memory).
/// Source  pages: arXiv:2309.06180, section 4.
template <class T, class C, Space S>
struct KvAppend {
  View<const T, 3, S> k;                // [tokens, kv_heads, head_dim]
  View<const T, 3, S> v;                // [tokens, kv_heads, head_dim]
  View<const int64_t, 1, S> positions;  // [tokens]
  KvCache<C, S> cache;
};

/// Host positions and tables lie within the cache. Errors: unsupported.
template <class C>
Status expect_positions(std::string_view subject, const View<const int64_t, 1, Space::Host>& positions,
                        const KvCache<C, Space::Host>& cache) {
  for (int64_t t = 0; t < positions.shape[0]; ++t)
    KIGO_TRY(expect_between(cat(subject, ".positions"), positions(t), 0, cache.positions() - 1));
  for (int64_t page = 0; page < cache.table.shape[0]; ++page)
    KIGO_TRY(expect_between(cat(subject, ".table"), cache.table(page), 0, cache.k.shape[0] - 1));
  return {};
}

template <class T, class C, Space S>
Status check(const KvAppend<T, C, S>& op) {
  const auto [tokens, kv_heads, head_dim] = op.k.shape;
  KIGO_TRY(expect_view("kv_append.k", op.k, op.k.shape));
  KIGO_TRY(expect_view("kv_append.v", op.v, op.k.shape));
  KIGO_TRY(expect_view("kv_append.positions", op.positions, {tokens}));
  KIGO_TRY(expect_cache("kv_append.cache", op.cache, kv_heads, head_dim));
  if constexpr (S == Space::Host) KIGO_TRY(expect_positions("kv_append", op.positions, op.cache));
  return {};
}

}  // namespace kigo::ops
