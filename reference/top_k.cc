#include "reference/top_k.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "reference/in_order.h"

namespace kigo::reference {

Status top_k(const ops::TopK<Space::Host>& op) {
  KIGO_TRY(check(op));
  const auto [rows, width] = op.x.shape;
  const int64_t kept = op.k == 0 ? width : std::min(op.k, width);
  for (int64_t r = 0; r < rows; ++r) {
    const std::vector<int64_t> ids = in_order(op.x, r);
    for (int64_t n = 0; n < width; ++n) {
      const int64_t i = ids[static_cast<size_t>(n)];
      op.y(r, i) = n < kept ? op.x(r, i) : -std::numeric_limits<double>::infinity();
    }
  }
  return {};
}

}  // namespace kigo::reference
