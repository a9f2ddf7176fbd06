// The plain twin of norm_qkv_rope_append, composed of rmsnorm, linear, rope and kv_append.
#pragma once

#include "core/base/half.h"
#include "core/base/result.h"
#include "core/ops/norm_qkv_rope_append.h"

namespace kigo::reference {

/// Formula, bounds and errors: core/ops/norm_qkv_rope_append.h. T = float, double; C = double, float, f16.
/// Every intermediate result is a double; what leaves is rounded once, from double.
template <class T, class C>
Status norm_qkv_rope_append(const ops::NormQkvRopeAppend<T, C, Space::Host>& op);

extern template Status norm_qkv_rope_append(const ops::NormQkvRopeAppend<float, float, Space::Host>&);
extern template Status norm_qkv_rope_append(const ops::NormQkvRopeAppend<float, f16, Space::Host>&);
extern template Status norm_qkv_rope_append(const ops::NormQkvRopeAppend<double, double, Space::Host>&);
extern template Status norm_qkv_rope_append(const ops::NormQkvRopeAppend<double, float, Space::Host>&);
extern template Status norm_qkv_rope_append(const ops::NormQkvRopeAppend<double, f16, Space::Host>&);

}  // namespace kigo::reference
