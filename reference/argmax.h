// The plain twin of argmax.
#pragma once

#include "core/base/result.h"
#include "core/ops/argmax.h"

namespace kigo::reference {

/// Rule, bounds and errors: core/ops/argmax.h. T = float, double; exact.
template <class T>
Status argmax(const ops::Argmax<T, Space::Host>& op);

extern template Status argmax(const ops::Argmax<float, Space::Host>&);
extern template Status argmax(const ops::Argmax<double, Space::Host>&);

}  // namespace kigo::reference
