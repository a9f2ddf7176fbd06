// The plain twin of linear, with its loops in an order that serves many tokens at once.
#pragma once

#include "core/base/result.h"
#include "core/ops/linear.h"

namespace kigo::reference {

/// Formula, bounds and errors: core/ops/linear.h. T = float, double; every sum runs over i = 0, 1, 2 ... in
/// double, whatever the number of tokens, rows or threads, and is rounded once: the same bits every time.
template <class T>
Status linear(const ops::Linear<T, Space::Host>& op);

extern template Status linear(const ops::Linear<float, Space::Host>&);
extern template Status linear(const ops::Linear<double, Space::Host>&);

}  // namespace kigo::reference
