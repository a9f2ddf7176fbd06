#include "reference/rope.h"

#include <cmath>

namespace kigo::reference {

template <class T>
Status rope(const ops::Rope<T, Space::Host>& op) {
  KIGO_TRY(check(op));
  const auto [tokens, heads, head_dim] = op.x.shape;
  const int64_t pairs = op.rope_dims / 2;
  const bool halves = op.pairing == ops::Pairing::halves;
  for (int64_t t = 0; t < tokens; ++t) {
    const double position = static_cast<double>(op.positions(t)) / double{op.factor};
    for (int64_t i = 0; i < pairs; ++i) {
      const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(op.rope_dims);
      const double divisor = op.divisors.data == nullptr ? 1 : op.divisors(i);
      const double angle = position * std::pow(double{op.base}, exponent) / divisor;
      const double cosine = std::cos(angle);
      const double sine = std::sin(angle);
      const int64_t first = halves ? i : 2 * i;
      const int64_t second = halves ? i + pairs : 2 * i + 1;
      for (int64_t h = 0; h < heads; ++h) {
        const double a = op.x(t, h, first);
        const double b = op.x(t, h, second);
        op.y(t, h, first) = static_cast<T>(a * cosine - b * sine);
        op.y(t, h, second) = static_cast<T>(a * sine + b * cosine);
      }
    }
    for (int64_t h = 0; h < heads; ++h) {
      for (int64_t i = op.rope_dims; i < head_dim; ++i) op.y(t, h, i) = op.x(t, h, i);
    }
  }
  return {};
}

template Status rope(const ops::Rope<float, Space::Host>&);
template Status rope(const ops::Rope<double, Space::Host>&);

}  // namespace kigo::reference
