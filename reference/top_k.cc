#include "reference/top_k.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

namespace kigo::reference {
namespace {

/// The ids of a row by (x falling, id rising).
std::vector<int64_t> in_order(const View<const double, 2>& x, int64_t row) {
  std::vector<int64_t> ids(static_cast<size_t>(x.shape[1]));
  std::iota(ids.begin(), ids.end(), 0);
  std::ranges::stable_sort(ids, [&](int64_t a, int64_t b) { return x(row, a) > x(row, b); });
  return ids;
}

}  // namespace

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
