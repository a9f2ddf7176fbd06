#include "reference/softmax.h"

#include <algorithm>
#include <cmath>

namespace kigo::reference {

template <class T>
Status softmax(const ops::Softmax<T, Space::Host>& op) {
  KIGO_TRY(check(op));
  const auto [rows, width] = op.x.shape;
  for (int64_t r = 0; r < rows; ++r) {
    double largest = op.x(r, 0);
    for (int64_t i = 1; i < width; ++i) largest = std::max(largest, double{op.x(r, i)});
    double sum = 0;
    for (int64_t i = 0; i < width; ++i) sum += std::exp(double{op.x(r, i)} - largest);
    for (int64_t i = 0; i < width; ++i) {
      op.y(r, i) = static_cast<T>(std::exp(double{op.x(r, i)} - largest) / sum);
    }
  }
  return {};
}

template Status softmax(const ops::Softmax<float, Space::Host>&);
template Status softmax(const ops::Softmax<double, Space::Host>&);

}  // namespace kigo::reference
