#include "reference/in_order.h"

#include <algorithm>
#include <numeric>

namespace kigo::reference {

std::vector<int64_t> in_order(const View<const double, 2>& x, int64_t row) {
  std::vector<int64_t> ids(static_cast<size_t>(x.shape[1]));
  std::iota(ids.begin(), ids.end(), 0);
  std::ranges::stable_sort(ids, [&](int64_t a, int64_t b) { return x(row, a) > x(row, b); });
  return ids;
}

}  // namespace kigo::reference
