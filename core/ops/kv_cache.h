// Keys and values of one sequence in pages of 16 positions, as the GPU keeps them.
#pragma once

#include <cstdint>

#include "core/base/cat.h"
#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"

namespace kigo::ops {

inline constexpr int64_t kPagePositions = 16;

/// Position p lies in pool page table(p / 16), row p % 16. A page of one head is contiguous. Pages of the
/// pool may belong to anybody, in any order; the table names those of this sequence. T = const float, const
/// f16 to read; float, f16 to write.
template <class T, Space S>
struct KvCache {
  View<T, 4, S> k;                  // [pages of the pool, kv_heads, 16, head_dim]
  View<T, 4, S> v;                  // the same shape
  View<const int32_t, 1, S> table;  // [pages of the sequence]

  int64_t positions() const { return table.shape[0] * kPagePositions; }  // for which there is room
};

template <class T, Space S>
Status expect_cache(std::string_view subject, const KvCache<T, S>& cache, int64_t kv_heads,
                    int64_t head_dim) {
  const std::array<int64_t, 4> shape = {cache.k.shape[0], kv_heads, kPagePositions, head_dim};
  KIGO_TRY(expect_view(cat(subject, ".k"), cache.k, shape));
  KIGO_TRY(expect_view(cat(subject, ".v"), cache.v, shape));
  return expect_view(cat(subject, ".table"), cache.table, cache.table.shape);
}

}  // namespace kigo::ops
