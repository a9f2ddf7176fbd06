#include "reference/norm_qkv_rope_append.h"

#include <vector>

#include "reference/kv_append.h"
#include "reference/linear.h"
#include "reference/rmsnorm.h"
#include "reference/rope.h"

namespace kigo::reference {
namespace {

using Heads = View<double, 3>;  // [1, heads, head_dim]

/// n W + b, turned to the position when `turned`. `memory` becomes theirs.
template <class T, class C>
Result<Heads> project(const ops::NormQkvRopeAppend<T, C, Space::Host>& op, const View<const double, 2>& n,
                      const ops::Projection<Space::Host>& projection, bool turned,
                      std::vector<double>& memory) {
  const int64_t rows = projection.w.rows, head_dim = op.y.shape[2];
  memory.resize(static_cast<size_t>(rows));
  KIGO_TRY(
      linear<double>({.x = n, .w = projection.w, .bias = projection.bias, .y = {memory.data(), {1, rows}}}));
  const Heads heads = {memory.data(), {1, rows / head_dim, head_dim}};
  if (turned) {
    KIGO_TRY(rope<double>({.x = heads,
                           .positions = op.positions,
                           .y = heads,
                           .pairing = op.pairing,
                           .rope_dims = op.rope_dims,
                           .base = op.rope_base,
                           .factor = op.rope_factor,
                           .divisors = op.rope_divisors}));
  }
  return heads;
}

}  // namespace

template <class T, class C>
Status norm_qkv_rope_append(const ops::NormQkvRopeAppend<T, C, Space::Host>& op) {
  KIGO_TRY(check(op));
  const int64_t width = op.x.shape[1];
  std::vector<double> x(static_cast<size_t>(width)), q_memory, k_memory, v_memory;
  const View<double, 2> n = {x.data(), {1, width}};  // [1, width]
  for (int64_t i = 0; i < width; ++i) n(0, i) = op.x(0, i);
  KIGO_TRY(rmsnorm<double>({.x = n, .weight = op.norm_weight, .y = n, .eps = op.norm_eps}));
  KIGO_ASSIGN(const Heads q, project(op, n, op.q, true, q_memory));
  KIGO_ASSIGN(const Heads k, project(op, n, op.k, true, k_memory));
  KIGO_ASSIGN(const Heads v, project(op, n, op.v, false, v_memory));
  for (int64_t h = 0; h < q.shape[1]; ++h) {
    for (int64_t i = 0; i < q.shape[2]; ++i) op.y(0, h, i) = static_cast<T>(q(0, h, i));
  }
  return kv_append<double, C>({.k = k, .v = v, .positions = op.positions, .cache = op.cache});
}

template Status norm_qkv_rope_append(const ops::NormQkvRopeAppend<float, float, Space::Host>&);
template Status norm_qkv_rope_append(const ops::NormQkvRopeAppend<float, f16, Space::Host>&);
template Status norm_qkv_rope_append(const ops::NormQkvRopeAppend<double, double, Space::Host>&);
template Status norm_qkv_rope_append(const ops::NormQkvRopeAppend<double, float, Space::Host>&);
template Status norm_qkv_rope_append(const ops::NormQkvRopeAppend<double, f16, Space::Host>&);

}  // namespace kigo::reference
