#include "reference/draw.h"

#include <algorithm>
#include <cmath>

namespace kigo::reference {

Status draw(const ops::Draw<Space::Host>& op) {
  KIGO_TRY(check(op));
  const auto [rows, width] = op.x.shape;
  for (int64_t r = 0; r < rows; ++r) {
    double largest = op.x(r, 0);
    for (int64_t i = 1; i < width; ++i) largest = std::max(largest, op.x(r, i));
    double total = 0;
    for (int64_t i = 0; i < width; ++i) total += std::exp(op.x(r, i) - largest);
    const double limit = op.u(r) * total;
    double sum = 0;
    int64_t chosen = 0;
    for (int64_t i = 0; i < width && sum <= limit; ++i) {
      const double weight = std::exp(op.x(r, i) - largest);
      if (weight > 0) chosen = i;
      sum += weight;
    }
    op.ids(r) = static_cast<uint32_t>(chosen);
  }
  return {};
}

}  // namespace kigo::reference
