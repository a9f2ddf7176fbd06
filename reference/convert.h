// The plain twin of convert.
#pragma once

#include "core/base/half.h"
#include "core/base/result.h"
#include "core/ops/convert.h"

namespace kigo::reference {

/// Rule, bounds and errors: core/ops/convert.h. float -> f16, rounded once, and f16 -> float, exact.
template <class From, class To>
Status convert(const ops::Convert<From, To, Space::Host>& op);

extern template Status convert(const ops::Convert<float, f16, Space::Host>&);
extern template Status convert(const ops::Convert<f16, float, Space::Host>&);

}  // namespace kigo::reference
