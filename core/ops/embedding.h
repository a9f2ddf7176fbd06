// The contract of embedding: a row of the vocabulary's table for every token id.
#pragma once

#include <cstdint>

#include "core/base/cat.h"
#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"
#include "core/ops/matrix.h"

namespace kigo::ops {

/// y[t, i] = table(ids[t], i): the decoded row of each id.
/// Types   T = double, float, f16, bf16; the table of any decodable type. Exact for float and wider, else
///         rounded once.
/// Bounds  at least one row and one column; tokens == 0 does nothing.
/// Memory  rows of y may be padded; nothing beyond the shape is read or written.
/// Errors  bad_shape; unsupported for a table that cannot be decoded; invalid_request for an id beyond the
///         table (checked where the ids are host memory: on a device the caller has looked before copying).
/// Source  GGUF token_embd.weight, docs/gguf.md, section 7.
template <class T, Space S>
struct Embedding {
  View<const uint32_t, 1, S> ids;  // [tokens]
  Matrix<S> table;                 // [vocab, width]
  View<T, 2, S> y;                 // [tokens, width]
};

template <class T, Space S>
Status check(const Embedding<T, S>& op) {
  KIGO_TRY(expect_matrix("embedding.table", op.table));
  KIGO_TRY(expect_view("embedding.ids", op.ids, op.ids.shape));
  const int64_t tokens = op.ids.shape[0];
  KIGO_TRY(expect_view("embedding.y", op.y, {tokens, op.table.cols}));
  if constexpr (S == Space::Host) {
    for (int64_t t = 0; t < tokens; ++t) {
      if (op.ids(t) >= op.table.rows) {
        return fail(Code::invalid_request, cat("token ", t), cat("id ", op.ids(t)),
                    cat("an id below ", op.table.rows));
      }
    }
  }
  return {};
}

}  // namespace kigo::ops
