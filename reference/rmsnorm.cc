#include "reference/rmsnorm.h"

#include <cmath>

namespace kigo::reference {

template <class T>
Status rmsnorm(const ops::RmsNorm<T, Space::Host>& op) {
  KIGO_TRY(check(op));
  const auto [tokens, width] = op.x.shape;
  for (int64_t t = 0; t < tokens; ++t) {
    double squares = 0;
    for (int64_t i = 0; i < width; ++i) squares += double{op.x(t, i)} * double{op.x(t, i)};
    // eps inside the root: with x = 0 the other order divides by eps, not by sqrt(eps).
    const double root = std::sqrt(squares / static_cast<double>(width) + double{op.eps});
    for (int64_t i = 0; i < width; ++i) {
      op.y(t, i) = static_cast<T>(double{op.x(t, i)} / root * double{op.weight(i)});
    }
  }
  return {};
}

template Status rmsnorm(const ops::RmsNorm<float, Space::Host>&);
template Status rmsnorm(const ops::RmsNorm<double, Space::Host>&);

}  // namespace kigo::reference
