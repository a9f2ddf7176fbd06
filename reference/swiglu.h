// The plain twin of swiglu.
#pragma once

#include "core/base/result.h"
#include "core/ops/swiglu.h"

namespace kigo::reference {

/// Formula, bounds and errors: core/ops/swiglu.h. T = float, double; computed in double, rounded once.
template <class T>
Status swiglu(const ops::SwiGlu<T, Space::Host>& op);

extern template Status swiglu(const ops::SwiGlu<float, Space::Host>&);
extern template Status swiglu(const ops::SwiGlu<double, Space::Host>&);

}  // namespace kigo::reference
