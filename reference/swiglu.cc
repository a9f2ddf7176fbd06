#include "reference/swiglu.h"

#include <cmath>

namespace kigo::reference {

template <class T>
Status swiglu(const ops::SwiGlu<T, Space::Host>& op) {
  KIGO_TRY(check(op));
  const auto [tokens, width] = op.gate.shape;
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t i = 0; i < width; ++i) {
      const double gate = op.gate(t, i);
      op.y(t, i) = static_cast<T>(gate / (1.0 + std::exp(-gate)) * double{op.up(t, i)});
    }
  }
  return {};
}

template Status swiglu(const ops::SwiGlu<float, Space::Host>&);
template Status swiglu(const ops::SwiGlu<double, Space::Host>&);

}  // namespace kigo::reference
