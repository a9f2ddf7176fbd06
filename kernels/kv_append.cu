// Block (t, y): token t, 256 of its elements, one a thread, of the keys and of the values.
#include "kernels/kv_append.h"

#include "kernels/device/launch.cuh"
#include "kernels/device/scalar.cuh"

namespace kigo::kernels {
namespace {

constexpr int kThreads = 256;

template <class C>
__global__ void kv_append_kernel(ops::KvAppend<float, C, Space::Device> op) {
  const int64_t token = blockIdx.x;
  const int64_t at = int64_t{blockIdx.y} * kThreads + threadIdx.x;
  const int64_t head_dim = op.k.shape[2];
  if (at >= op.k.shape[1] * head_dim) return;
  const int64_t head = at / head_dim, i = at % head_dim;
  if (head != 0 && KIGO_FAULT(F32)) return;
  const int64_t position = op.positions.data[token];
  const int64_t page = op.cache.table.data[position / ops::kPagePositions];
  const int64_t row = position % ops::kPagePositions;
  const auto place = [&](const View<C, 4, Space::Device>& pool) -> C& {
    return pool.data[page * pool.stride[0] + head * pool.stride[1] + row * pool.stride[2] + i];
  };
  place(op.cache.k) = device::narrow<C>(op.k.data[token * op.k.stride[0] + head * op.k.stride[1] + i]);
  place(op.cache.v) = device::narrow<C>(op.v.data[token * op.v.stride[0] + head * op.v.stride[1] + i]);
}

}  // namespace

template <class C>
Status kv_append(const ops::KvAppend<float, C, Space::Device>& op, Stream stream) {
  KIGO_TRY(check(op));
  const auto [tokens, kv_heads, head_dim] = op.k.shape;
  return device::launch({.name = "kv_append",
                         .blocks_x = tokens,
                         .blocks_y = (kv_heads * head_dim + kThreads - 1) / kThreads,
                         .threads = kThreads},
                        kv_append_kernel<C>, stream, op);
}

template Status kv_append(const ops::KvAppend<float, float, Space::Device>&, Stream);
template Status kv_append(const ops::KvAppend<float, f16, Space::Device>&, Stream);

}  // namespace kigo::kernels
