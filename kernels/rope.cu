// One thread, one pair (or one element to copy) of one token, in up to 8 heads: the angle is made once and
// serves them all. Threads of a block are neighbours in (token, pair); block y is the group of heads.
#include "kernels/rope.h"

#include "kernels/device/launch.cuh"
#include "kernels/device/rope.cuh"
#include "kernels/device/scalar.cuh"

namespace kigo::kernels {
namespace {

constexpr int kThreads = 128;
constexpr int kHeads = 8;  // a thread

template <class T>
__global__ void rope_kernel(ops::Rope<T, Space::Device> op, int64_t items) {
  const int64_t pairs = op.rope_dims / 2;
  const int64_t at = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const int64_t token = at / items;
  const int64_t item = at % items;  // a pair, or beyond them an element that only moves
  if (token >= op.x.shape[0]) return;
  const int64_t first_head = int64_t{blockIdx.y} * kHeads;
  const int64_t last_head = min(first_head + kHeads, op.x.shape[1]);
  const T* x = op.x.data + token * op.x.stride[0];
  T* y = op.y.data + token * op.y.stride[0];
  if (item >= pairs) {
    const int64_t i = item + pairs;
    for (int64_t h = first_head; h < last_head; ++h) y[h * op.y.stride[1] + i] = x[h * op.x.stride[1] + i];
    return;
  }
  const device::Turn turn =
      device::rope_turn(op.positions.data[token], op.factor,
                        device::rope_frequency(item, op.rope_dims, op.base, op.divisors.data));
  const bool halves = (op.pairing == ops::Pairing::halves) != KIGO_FAULT(F24);
  const int64_t first = halves ? item : 2 * item;
  const int64_t second = halves ? item + pairs : 2 * item + 1;
  for (int64_t h = first_head; h < last_head; ++h) {
    const float a = device::widen(x[h * op.x.stride[1] + first]);
    const float b = device::widen(x[h * op.x.stride[1] + second]);
    y[h * op.y.stride[1] + first] = device::narrow<T>(a * turn.cosine - b * turn.sine);
    y[h * op.y.stride[1] + second] = device::narrow<T>(a * turn.sine + b * turn.cosine);
  }
}

}  // namespace

template <class T>
Status rope(const ops::Rope<T, Space::Device>& op, Stream stream) {
  KIGO_TRY(check(op));
  const auto [tokens, heads, head_dim] = op.x.shape;
  const int64_t items = head_dim - op.rope_dims / 2;
  return device::launch({.name = "rope",
                         .blocks_x = (tokens * items + kThreads - 1) / kThreads,
                         .blocks_y = (heads + kHeads - 1) / kHeads,
                         .threads = kThreads},
                        rope_kernel<T>, stream, op, items);
}

template Status rope(const ops::Rope<float, Space::Device>&, Stream);
template Status rope(const ops::Rope<f16, Space::Device>&, Stream);
template Status rope(const ops::Rope<bf16, Space::Device>&, Stream);

}  // namespace kigo::kernels
