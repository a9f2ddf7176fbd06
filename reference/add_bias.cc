#include "reference/add_bias.h"

namespace kigo::reference {

template <class T>
Status add_bias(const ops::AddBias<T, Space::Host>& op) {
  KIGO_TRY(check(op));
  const auto [tokens, width] = op.x.shape;
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t i = 0; i < width; ++i) {
      op.y(t, i) = static_cast<T>(double{op.x(t, i)} + double{op.bias(i)});
    }
  }
  return {};
}

template Status add_bias(const ops::AddBias<float, Space::Host>&);
template Status add_bias(const ops::AddBias<double, Space::Host>&);

}  // namespace kigo::reference
