// The plain twin of linear_add, composed of linear and add.
#pragma once

#include "core/base/result.h"
#include "core/ops/linear_add.h"

namespace kigo::reference {

/// Formula, bounds and errors: core/ops/linear_add.h. T = float, double; every intermediate result is a
/// double, and what leaves is rounded once.
template <class T>
Status linear_add(const ops::LinearAdd<T, Space::Host>& op);

extern template Status linear_add(const ops::LinearAdd<float, Space::Host>&);
extern template Status linear_add(const ops::LinearAdd<double, Space::Host>&);

}  // namespace kigo::reference
