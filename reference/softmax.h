// The plain twin of softmax.
#pragma once

#include "core/base/result.h"
#include "core/ops/softmax.h"

namespace kigo::reference {

/// Formula, bounds and errors: core/ops/softmax.h. T = float, double; computed in double, rounded once.
template <class T>
Status softmax(const ops::Softmax<T, Space::Host>& op);

extern template Status softmax(const ops::Softmax<float, Space::Host>&);
extern template Status softmax(const ops::Softmax<double, Space::Host>&);

}  // namespace kigo::reference
