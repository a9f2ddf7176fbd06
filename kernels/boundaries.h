// Where an operation changes the kernel that it launches, or how a kernel walks: the borders that cases must
// stand on both sides of (tests/laws/boundaries_test.cc).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "kernels/linear.h"
#include "kernels/linear_rows.h"
#include "kernels/linear_tiles.h"
#include "kernels/paged_attention.h"

namespace kigo::kernels {

struct Boundary {
  std::string_view op;        // pairs whose names begin so
  std::string_view quantity;  // of a case
  int64_t last;               // the highest value on the lower side
  std::string_view below, above;
};

/// Beside these a kernel is chosen by the types of its arguments alone, each of which is a pair of its own.
inline constexpr auto kBoundaries = std::to_array<Boundary>({
    {"linear_", "tokens", kLinearRowsTokens, "linear_rows", "linear_tiles"},
    {"linear_", "wide blocks", kLinearWideBlocks - 1, "tiles of 16 tokens", "tiles of 64 tokens"},
    {"linear_add_", "columns", kLinearRowsSlice, "a row in one walk", "in several"},
    {"norm_gate_up_swiglu_", "columns", kLinearRowsSlice, "a row in one walk", "in several"},
    {"norm_qkv_rope_append_", "columns", kLinearRowsSlice, "a row in one walk", "in several"},
    {"norm_head_argmax_", "columns", kLinearRowsSlice, "a row in one walk", "in several"},
    {"paged_attention_", "tokens", kDecodeTokens, "decode", "prefill"},
});

}  // namespace kigo::kernels
