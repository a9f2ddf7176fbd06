#include "reference/norm_gate_up_swiglu.h"

#include <vector>

#include "reference/linear.h"
#include "reference/rmsnorm.h"
#include "reference/swiglu.h"

namespace kigo::reference {

template <class T>
Status norm_gate_up_swiglu(const ops::NormGateUpSwiGlu<T, Space::Host>& op) {
  KIGO_TRY(check(op));
  const int64_t width = op.x.shape[1], ffn_width = op.gate.rows;
  std::vector<double> x(static_cast<size_t>(width)), gate(static_cast<size_t>(ffn_width)), up = gate;
  const View<double, 2> n = {x.data(), {1, width}};  // [1, width]
  const View<double, 2> g = {gate.data(), {1, ffn_width}}, u = {up.data(), {1, ffn_width}};
  for (int64_t i = 0; i < width; ++i) n(0, i) = op.x(0, i);
  KIGO_TRY(rmsnorm<double>({.x = n, .weight = op.norm_weight, .y = n, .eps = op.norm_eps}));
  KIGO_TRY(linear<double>({.x = n, .w = op.gate, .bias = {}, .y = g}));
  KIGO_TRY(linear<double>({.x = n, .w = op.up, .bias = {}, .y = u}));
  KIGO_TRY(swiglu<double>({.gate = g, .up = u, .y = u}));
  for (int64_t j = 0; j < ffn_width; ++j) op.y(0, j) = static_cast<T>(u(0, j));
  return {};
}

template Status norm_gate_up_swiglu(const ops::NormGateUpSwiGlu<float, Space::Host>&);
template Status norm_gate_up_swiglu(const ops::NormGateUpSwiGlu<double, Space::Host>&);

}  // namespace kigo::reference
