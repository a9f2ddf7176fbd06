// The plain twin of attention.
#pragma once

#include "core/base/result.h"
#include "core/ops/attention.h"

namespace kigo::reference {

/// Formula, bounds and errors: core/ops/attention.h. T = float, double; computed in double, rounded once.
template <class T>
Status attention(const ops::Attention<T, Space::Host>& op);

extern template Status attention(const ops::Attention<float, Space::Host>&);
extern template Status attention(const ops::Attention<double, Space::Host>&);

}  // namespace kigo::reference
