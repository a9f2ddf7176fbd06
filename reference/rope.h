// The plain twin of rope.
#pragma once

#include "core/base/result.h"
#include "core/ops/rope.h"

namespace kigo::reference {

/// Formula, bounds and errors: core/ops/rope.h. T = float, double; computed in double, rounded once.
template <class T>
Status rope(const ops::Rope<T, Space::Host>& op);

extern template Status rope(const ops::Rope<float, Space::Host>&);
extern template Status rope(const ops::Rope<double, Space::Host>&);

}  // namespace kigo::reference
