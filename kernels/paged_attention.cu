// Chooses and launches: attention_decode.cuh, attention_prefill.cuh and attention_tensor.cuh, which explain
// their layout of threads.
#include "kernels/paged_attention.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <type_traits>

#include "kernels/device/attention_decode.cuh"
#include "kernels/device/attention_prefill.cuh"
#include "kernels/device/attention_tensor.cuh"

namespace kigo::kernels {
namespace {

template <class C>
using Op = ops::PagedAttention<float, C, Space::Device>;

float scale_of(int head_dim) {
  if (KIGO_FAULT(F34)) return 1.0f / static_cast<float>(head_dim);
  return static_cast<float>(1 / std::sqrt(static_cast<double>(head_dim)));
}

template <class C, int HeadDim>
Status decode(const Op<C>& op, Stream stream) {
  const int64_t kv_heads = op.cache.k.shape[1];
  const int64_t group = op.q.shape[1] / kv_heads;
  const int64_t parts = (group + device::kDecodeHeads - 1) / device::kDecodeHeads;
  const int64_t heads_a_block = (group + parts - 1) / parts;
  return device::launch({.name = "paged_attention",
                         .blocks_x = paged_attention_splits(op.cache.positions()),
                         .blocks_y = kv_heads * parts,
                         .blocks_z = op.q.shape[0],
                         .threads = static_cast<int>(heads_a_block) * device::kWarp,
                         .overlap = device::Overlap::predecessor},
                        device::paged_attention_decode_kernel<C, HeadDim>, stream, op, parts,
                        scale_of(HeadDim));
}

template <class C, int HeadDim>
Status prefill(const Op<C>& op, Stream stream) {
  const int64_t kv_heads = op.cache.k.shape[1];
  const int64_t rows = op.q.shape[0] * (op.q.shape[1] / kv_heads);
  if constexpr (std::is_same_v<C, f16>) {
    if (op.operands == ops::Operands::half) {
      return device::launch({.name = "paged_attention",
                             .blocks_x = (rows + device::kTile - 1) / device::kTile,
                             .blocks_y = kv_heads,
                             .threads = device::kTensorThreads,
                             .overlap = device::Overlap::predecessor},
                            device::paged_attention_tensor_kernel<HeadDim>, stream, op, scale_of(HeadDim));
    }
  }
  return device::launch({.name = "paged_attention",
                         .blocks_x = (rows + device::kTile - 1) / device::kTile,
                         .blocks_y = kv_heads,
                         .threads = device::kPrefillThreads,
                         .shared_bytes = device::PrefillShape<HeadDim>::kSharedBytes,
                         .overlap = device::Overlap::predecessor},
                        device::paged_attention_prefill_kernel<C, HeadDim>, stream, op, scale_of(HeadDim));
}

template <class C>
struct Path {
  int64_t head_dim;
  Status (*decode)(const Op<C>&, Stream);
  Status (*prefill)(const Op<C>&, Stream);
};
template <class C>
constexpr Path<C> kPaths[] = {{32, decode<C, 32>, prefill<C, 32>},
                              {64, decode<C, 64>, prefill<C, 64>},
                              {80, decode<C, 80>, prefill<C, 80>},
                              {96, decode<C, 96>, prefill<C, 96>},
                              {128, decode<C, 128>, prefill<C, 128>}};

/// Rows can be read 16 bytes at a time.
template <class C>
Status expect_aligned(std::string_view subject, const View<const C, 4, Space::Device>& pool) {
  const auto in_bytes = [](int64_t elements) { return elements * static_cast<int64_t>(sizeof(C)); };
  bool aligned = reinterpret_cast<uintptr_t>(pool.data) % 16 == 0;
  for (size_t axis = 0; axis < 3; ++axis) aligned = aligned && in_bytes(pool.stride[axis]) % 16 == 0;
  if (aligned) return {};
  return fail(Code::bad_shape, std::string(subject),
              cat("strides ", list(std::span<const int64_t>(pool.stride)), " elements"),
              "rows at multiples of 16 bytes");
}

template <class T>
Status expect_at_least(std::string_view subject, const View<T, 1, Space::Device>& found, int64_t needed) {
  KIGO_TRY(ops::expect_view(subject, found, found.shape));
  if (found.shape[0] >= needed) return {};
  return fail(Code::bad_shape, std::string(subject), cat(found.shape[0], " elements"),
              cat("at least ", needed));
}

}  // namespace

template <class C>
Status paged_attention(const Op<C>& op, Stream stream) {
  KIGO_TRY(check(op));
  const auto [tokens, heads, head_dim] = op.q.shape;
  if (tokens == 0) return {};
  if (tokens > 1 && KIGO_FAULT(F63)) return {};
  KIGO_TRY(expect_aligned("paged_attention.cache.k", op.cache.k));
  KIGO_TRY(expect_aligned("paged_attention.cache.v", op.cache.v));
  KIGO_TRY(expect_at_least("paged_attention.workspace", op.workspace,
                           paged_attention_workspace(tokens, heads, head_dim, op.cache.positions())));
  KIGO_TRY(expect_at_least("paged_attention.tickets", op.tickets, paged_attention_tickets(tokens, heads)));
  const auto& path =
      *std::ranges::find(kPaths<C>, head_dim, &Path<C>::head_dim);  // check() knows the same five
  return tokens <= kDecodeTokens ? path.decode(op, stream) : path.prefill(op, stream);
}

template Status paged_attention(const Op<float>&, Stream);
template Status paged_attention(const Op<f16>&, Stream);

}  // namespace kigo::kernels
