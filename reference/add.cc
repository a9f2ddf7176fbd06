#include "reference/add.h"

namespace kigo::reference {

template <class T>
Status add(const ops::Add<T, Space::Host>& op) {
  KIGO_TRY(check(op));
  const auto [tokens, width] = op.a.shape;
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t i = 0; i < width; ++i) {
      op.y(t, i) = static_cast<T>(double{op.a(t, i)} + double{op.b(t, i)});
    }
  }
  return {};
}

template Status add(const ops::Add<float, Space::Host>&);
template Status add(const ops::Add<double, Space::Host>&);

}  // namespace kigo::reference
