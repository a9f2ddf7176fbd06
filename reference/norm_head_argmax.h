// The plain twin of norm_head_argmax, composed of rmsnorm, linear and argmax.
#pragma once

#include "core/base/result.h"
#include "core/ops/norm_head_argmax.h"

namespace kigo::reference {

/// Formula, bounds and errors: core/ops/norm_head_argmax.h. T = float, double; every intermediate result is a
/// double, and what leaves is rounded once.
template <class T>
Status norm_head_argmax(const ops::NormHeadArgmax<T, Space::Host>& op);

extern template Status norm_head_argmax(const ops::NormHeadArgmax<float, Space::Host>&);
extern template Status norm_head_argmax(const ops::NormHeadArgmax<double, Space::Host>&);

}  // namespace kigo::reference
