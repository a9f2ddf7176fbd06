// The contract of rope: pairs of a head's elements rotated by an angle that grows with the position.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/base/cat.h"
#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"

namespace kigo::ops {

/// Which elements of a head form pair i of rope_dims/2. No file says it: the model family does.
enum class Pairing : uint8_t {
  halves,      // (i, i + rope_dims/2): qwen2, phi3
  neighbours,  // (2i, 2i + 1): llama, whose converter permuted the rows of q and k for it
};

/// With angle = positions[t] / factor * base^(-2i / rope_dims) / divisors[i], the pair (a, b) becomes
/// (a cos - b sin, a sin + b cos); elements from rope_dims on are copied. Without divisors each is 1.
/// Types   T = double, float, f16, bf16; angles in double, results rounded once.
/// Bounds  rope_dims even, 2 to head_dim; base > 0; factor > 0; divisors > 0; 0 <= position < 2^31, in any
///         order; tokens == 0 does nothing.
/// Memory  rows may be padded; nothing beyond the shape is read or written; y may be x.
/// Errors  bad_shape; unsupported for what is out of bounds (positions, divisors: where they are host
/// memory). Source  arXiv:2104.09864, eq. 34; linear scaling: arXiv:2306.15595; divisors: rope_freqs.weight
/// of
///         docs/gguf.md, section 7.
template <class T, Space S>
struct Rope {
  View<const T, 3, S> x;                // [tokens, heads, head_dim]
  View<const int64_t, 1, S> positions;  // [tokens]
  View<T, 3, S> y;                      // [tokens, heads, head_dim], may be x
  Pairing pairing = Pairing::halves;
  int64_t rope_dims = 0;
  float base = 10000;
  float factor = 1;
  View<const float, 1, S> divisors = {};  // [rope_dims / 2], or none: no data and size 0
};

/// As rope takes them. Errors: bad_shape; unsupported for a value in host memory that is not above 0.
template <Space S>
Status expect_divisors(const View<const float, 1, S>& divisors, int64_t rope_dims) {
  if (divisors.data == nullptr && divisors.shape[0] == 0) return {};
  KIGO_TRY(expect_view("rope.divisors", divisors, {rope_dims / 2}));
  if constexpr (S == Space::Host) {
    for (int64_t i = 0; i < divisors.shape[0]; ++i) {
      if (std::isfinite(divisors(i)) && divisors(i) > 0) continue;
      return fail(Code::unsupported, "rope.divisors", cat(divisors(i), " at index ", i),
                  "a finite number above 0");
    }
  }
  return {};
}

template <class T, Space S>
Status check(const Rope<T, S>& op) {
  KIGO_TRY(expect_view("rope.x", op.x, op.x.shape));
  KIGO_TRY(expect_view("rope.positions", op.positions, {op.x.shape[0]}));
  KIGO_TRY(expect_view("rope.y", op.y, op.x.shape));
  KIGO_TRY(expect_between("rope.rope_dims", op.rope_dims, 2, op.x.shape[2]));
  if (op.rope_dims % 2 != 0) return fail(Code::unsupported, "rope.rope_dims", cat(op.rope_dims), "even");
  if (!std::isfinite(op.base) || op.base <= 0) {
    return fail(Code::unsupported, "rope.base", cat(op.base), "a finite number above 0");
  }
  if (!std::isfinite(op.factor) || op.factor <= 0) {
    return fail(Code::unsupported, "rope.factor", cat(op.factor), "a finite number above 0");
  }
  KIGO_TRY(expect_divisors(op.divisors, op.rope_dims));
  if constexpr (S == Space::Host) {
    for (int64_t t = 0; t < op.x.shape[0]; ++t) {
      KIGO_TRY(expect_between("rope.positions", op.positions(t), 0, INT32_MAX));
    }
  }
  return {};
}

}  // namespace kigo::ops
