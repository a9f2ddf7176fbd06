// How a side of a comparison computes: what its results may be off by without being wrong.
#pragma once

#include <cstdint>

#include "core/compare/bound.h"
#include "core/ops/paged_attention.h"

namespace kigo::tools {

inline constexpr double kLargestHalf = 65504;
inline constexpr double kSlack = 1.02;  // products of roundings: core/compare/bound.h

/// How a pass makes its products.
enum class Products : uint8_t {
  any_order,     // operands as they are, sums in any order: what is known of an engine from outside
  tiles,         // linear_tiles: float operands
  rows,          // the fused kernels of a decode step: float operands
  half,          // cuBLAS, both operands rounded to half; the head in float
  half_weights,  // the same, and head and embedding as well
  half_exact,    // both operands rounded to half, sums in any order in `unit`: the reference that rounds
};

/// Of one call of forward. The defaults are those of an engine in float throughout.
struct Arithmetic {
  Products products = Products::any_order;
  double unit = compare::kUnitFloat;  // roundoff of sums and of functions
  double least = 0x1p-149;            // the smallest positive number of that type
  // Roundoff of checkpoints and weights, where both are kept shorter than they are computed with: 2^-11 for
  // half, 2^-8 for bfloat16. 0: not rounded again.
  double stored_unit = 0;
  double stored_least = 0;  // half of the smallest positive number of that type
  bool cache_half = false;  // keys and values are rounded to half
  ops::Operands attention = ops::Operands::full;

  bool halves() const {
    return products == Products::half || products == Products::half_weights ||
           products == Products::half_exact;
  }
};

/// Of the two kinds of calls.
struct Rounding {
  Arithmetic prompt;
  Arithmetic step;  // one token whose logits alone are wanted
};

/// The reference: double throughout.
inline constexpr Arithmetic kDouble{.unit = compare::kUnitDouble, .least = 0x1p-1074};

}  // namespace kigo::tools
