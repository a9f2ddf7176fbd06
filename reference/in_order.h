// What top_k and top_p share: the order in which the sampler looks at a row of logits.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/view.h"

namespace kigo::reference {

/// The ids of a row of x by (x falling, id rising); core/ops/logits.h rules NaN out.
std::vector<int64_t> in_order(const View<const double, 2>& x, int64_t row);

}  // namespace kigo::reference
