#include "reference/temperature.h"

namespace kigo::reference {

Status temperature(const ops::Temperature<Space::Host>& op) {
  KIGO_TRY(check(op));
  const auto [rows, width] = op.x.shape;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < width; ++i) op.y(r, i) = double{op.x(r, i)} / double{op.temperature};
  }
  return {};
}

}  // namespace kigo::reference
