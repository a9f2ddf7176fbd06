// The plain twin of dequantise.
#pragma once

#include "core/base/half.h"
#include "core/base/result.h"
#include "core/ops/dequantise.h"

namespace kigo::reference {

/// Formula, bounds and errors: core/ops/dequantise.h. T = float, double, f16; exact, f16 rounded once.
template <class T>
Status dequantise(const ops::Dequantise<T, Space::Host>& op);

extern template Status dequantise(const ops::Dequantise<float, Space::Host>&);
extern template Status dequantise(const ops::Dequantise<double, Space::Host>&);
extern template Status dequantise(const ops::Dequantise<f16, Space::Host>&);

}  // namespace kigo::reference
