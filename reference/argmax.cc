#include "reference/argmax.h"

#include <cmath>

namespace kigo::reference {

template <class T>
Status argmax(const ops::Argmax<T, Space::Host>& op) {
  KIGO_TRY(check(op));
  const auto [rows, width] = op.x.shape;
  for (int64_t r = 0; r < rows; ++r) {
    int64_t best = 0;
    for (int64_t i = 1; i < width; ++i) {
      // Strictly larger: a tie stays with the lower id. A NaN that came first gives way to any number.
      const bool only_nan_so_far = std::isnan(op.x(r, best)) && !std::isnan(op.x(r, i));
      if (only_nan_so_far || op.x(r, i) > op.x(r, best)) best = i;
    }
    op.ids(r) = static_cast<uint32_t>(best);
  }
  return {};
}

template Status argmax(const ops::Argmax<float, Space::Host>&);
template Status argmax(const ops::Argmax<double, Space::Host>&);

}  // namespace kigo::reference
