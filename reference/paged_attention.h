// The plain twin of paged_attention.
#pragma once

#include "core/base/half.h"
#include "core/base/result.h"
#include "core/ops/paged_attention.h"

namespace kigo::reference {

/// Formula, bounds and errors: core/ops/paged_attention.h. T = float, double; C = float, f16; computed in
/// double, rounded once. Workspace and tickets are a kernel's and are left alone.
template <class T, class C>
Status paged_attention(const ops::PagedAttention<T, C, Space::Host>& op);

extern template Status paged_attention(const ops::PagedAttention<float, float, Space::Host>&);
extern template Status paged_attention(const ops::PagedAttention<float, f16, Space::Host>&);
extern template Status paged_attention(const ops::PagedAttention<double, float, Space::Host>&);
extern template Status paged_attention(const ops::PagedAttention<double, f16, Space::Host>&);

}  // namespace kigo::reference
