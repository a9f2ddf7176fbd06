#include "reference/top_p.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "reference/in_order.h"

namespace kigo::reference {

Status top_p(const ops::TopP<Space::Host>& op) {
  KIGO_TRY(check(op));
  const auto [rows, width] = op.x.shape;
  for (int64_t r = 0; r < rows; ++r) {
    const std::vector<int64_t> ids = in_order(op.x, r);
    const double largest = op.x(r, ids[0]);
    double total = 0;
    for (const int64_t i : ids) total += std::exp(op.x(r, i) - largest);
    double sum = 0;  // of the probabilities of the ids before
    bool complete = false;
    for (const int64_t i : ids) {
      const double x = op.x(r, i);
      op.y(r, i) = complete ? -std::numeric_limits<double>::infinity() : x;
      sum += std::exp(x - largest) / total;
      complete = complete || (op.p < 1 && sum >= double{op.p});
    }
  }
  return {};
}

}  // namespace kigo::reference
