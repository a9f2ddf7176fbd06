// The kernel twin of reference::paged_attention.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/half.h"
#include "core/base/result.h"
#include "core/ops/paged_attention.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// Up to this many tokens split the context among blocks (decode); more walk it in tiles (prefill).
inline constexpr int64_t kDecodeTokens = 8;
inline constexpr int kDecodeChunk = 32;   // positions that a block takes at a time: two pages
inline constexpr int kDecodeSplits = 64;  // blocks among which the chunks of a KV head are dealt out, at most

/// The blocks among which a context of up to `max_positions` is split.
constexpr int64_t paged_attention_splits(int64_t max_positions) {
  return std::min<int64_t>((max_positions + kDecodeChunk - 1) / kDecodeChunk, kDecodeSplits);
}

/// Floats of workspace for a call with `max_positions` = cache.positions(). 0 for a prefill; up to
/// kDecodeTokens it grows with every argument.
constexpr int64_t paged_attention_workspace(int64_t tokens, int64_t heads, int64_t head_dim,
                                            int64_t max_positions) {
  return tokens > kDecodeTokens ? 0 : tokens * heads * paged_attention_splits(max_positions) * (head_dim + 2);
}

/// Tickets for a call: one for each token and head of a decode, 0 for a prefill.
constexpr int64_t paged_attention_tickets(int64_t tokens, int64_t heads) {
  return tokens > kDecodeTokens ? 0 : tokens * heads;
}

/// y[t, h] = sum_p softmax_p(q[t, h] . k[p, g] / sqrt(head_dim)) * v[p, g], with g = h / (heads / kv_heads)
/// and p from 0 to positions[t], read from the cache's pages.
/// Types   q and y float; cache C = float, f16. Scores, weights and sums in float, sums in a fixed order.
/// With
///         Operands::half a prefill over a cache of f16 rounds queries and weights to half and multiplies on
///         tensor cores; everything else is as without.
/// Bounds  head_dim 32, 64, 80, 96, 128; 0 <= position < 2^31; any context; kv_heads up to 65535 / 8;
///         tokens == 0 launches nothing. A query's bits do not depend on the tokens it is asked with: the
///         same for any chunks of more than kDecodeTokens, and the same for any of at most so many (of one
///         cache).
/// Memory  rows and heads of q and y may be padded; pages, heads and rows of the cache begin at multiples of
/// 16
///         bytes. Nothing beyond the largest of a call's positions is read; keys and values up to there that
///         are not finite may spread to all of its queries. y may be q. positions is read on the device and
///         the grid depends on shapes alone: one captured graph serves every position. The workspace may hold
///         anything; tickets are zero before and zero again after. Calls that may overlap need workspaces and
///         tickets of their own. No allocation, no sync. Waits for its predecessor on the stream
///         (programmatic dependent launch) before it reads anything.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails.
/// Twin    reference::paged_attention, bound in tests/pairs/paged_attention.h.
/// Source  arXiv:1706.03762, eq. 1; the running maximum: M. Milakov, N. Gimelshein, arXiv:1805.02867; the
/// split:
///         arXiv:2311.01282, section 3; pages: arXiv:2309.06180.
template <class C>
Status paged_attention(const ops::PagedAttention<float, C, Space::Device>& op, Stream stream);

extern template Status paged_attention(const ops::PagedAttention<float, float, Space::Device>&, Stream);
extern template Status paged_attention(const ops::PagedAttention<float, f16, Space::Device>&, Stream);

}  // namespace kigo::kernels
