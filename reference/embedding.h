// The plain twin of embedding.
#pragma once

#include "core/base/result.h"
#include "core/ops/embedding.h"

namespace kigo::reference {

/// Formula, bounds and errors: core/ops/embedding.h. T = float, double; exact.
template <class T>
Status embedding(const ops::Embedding<T, Space::Host>& op);

extern template Status embedding(const ops::Embedding<float, Space::Host>&);
extern template Status embedding(const ops::Embedding<double, Space::Host>&);

}  // namespace kigo::reference
