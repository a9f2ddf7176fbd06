// The plain twin of norm_gate_up_swiglu, composed of rmsnorm, linear and swiglu.
#pragma once

#include "core/base/result.h"
#include "core/ops/norm_gate_up_swiglu.h"

namespace kigo::reference {

/// Formula, bounds and errors: core/ops/norm_gate_up_swiglu.h. T = float, double; every intermediate result
/// is a double, and what leaves is rounded once.
template <class T>
Status norm_gate_up_swiglu(const ops::NormGateUpSwiGlu<T, Space::Host>& op);

extern template Status norm_gate_up_swiglu(const ops::NormGateUpSwiGlu<float, Space::Host>&);
extern template Status norm_gate_up_swiglu(const ops::NormGateUpSwiGlu<double, Space::Host>&);

}  // namespace kigo::reference
