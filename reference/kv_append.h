// The plain twin of kv_append.
#pragma once

#include "core/base/half.h"
#include "core/base/result.h"
#include "core/ops/kv_append.h"

namespace kigo::reference {

/// Rule, bounds and errors: core/ops/kv_append.h. T = float, double; C = double (the
/// truth before it is rounded), float, f16, rounded once.
template <class T, class C>
Status kv_append(const ops::KvAppend<T, C, Space::Host>& op);

extern template Status kv_append(const ops::KvAppend<float, float, Space::Host>&);
extern template Status kv_append(const ops::KvAppend<float, f16, Space::Host>&);
extern template Status kv_append(const ops::KvAppend<double, double, Space::Host>&);
extern template Status kv_append(const ops::KvAppend<double, float, Space::Host>&);
extern template Status kv_append(const ops::KvAppend<double, f16, Space::Host>&);

}  // namespace kigo::reference
