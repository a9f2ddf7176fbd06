// The plain twin of add.
#pragma once

#include "core/base/result.h"
#include "core/ops/add.h"

namespace kigo::reference {

/// Formula, bounds and errors: core/ops/add.h. T = float, double; computed in double, rounded once.
template <class T>
Status add(const ops::Add<T, Space::Host>& op);

extern template Status add(const ops::Add<float, Space::Host>&);
extern template Status add(const ops::Add<double, Space::Host>&);

}  // namespace kigo::reference
