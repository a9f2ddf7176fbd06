// The plain twin of rmsnorm.
#pragma once

#include "core/base/result.h"
#include "core/ops/rmsnorm.h"

namespace kigo::reference {

/// Formula, bounds and errors: core/ops/rmsnorm.h. T = float, double; computed in double, rounded once.
template <class T>
Status rmsnorm(const ops::RmsNorm<T, Space::Host>& op);

extern template Status rmsnorm(const ops::RmsNorm<float, Space::Host>&);
extern template Status rmsnorm(const ops::RmsNorm<double, Space::Host>&);

}  // namespace kigo::reference
