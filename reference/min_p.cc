#include "reference/min_p.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kigo::reference {

Status min_p(const ops::MinP<Space::Host>& op) {
  KIGO_TRY(check(op));
  const auto [rows, width] = op.x.shape;
  for (int64_t r = 0; r < rows; ++r) {
    double largest = op.x(r, 0);
    for (int64_t i = 1; i < width; ++i) largest = std::max(largest, op.x(r, i));
    for (int64_t i = 0; i < width; ++i) {
      const double weight = std::exp(op.x(r, i) - largest);
      op.y(r, i) = weight >= double{op.min_p} ? op.x(r, i) : -std::numeric_limits<double>::infinity();
    }
  }
  return {};
}

}  // namespace kigo::reference
