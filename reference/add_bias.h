// The plain twin of add_bias.
#pragma once

#include "core/base/result.h"
#include "core/ops/add_bias.h"

namespace kigo::reference {

/// Formula, bounds and errors: core/ops/add_bias.h. T = float, double; computed in double, rounded once.
template <class T>
Status add_bias(const ops::AddBias<T, Space::Host>& op);

extern template Status add_bias(const ops::AddBias<float, Space::Host>&);
extern template Status add_bias(const ops::AddBias<double, Space::Host>&);

}  // namespace kigo::reference
