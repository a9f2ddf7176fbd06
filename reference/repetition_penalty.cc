#include "reference/repetition_penalty.h"

#include <set>

namespace kigo::reference {

Status repetition_penalty(const ops::RepetitionPenalty<Space::Host>& op) {
  KIGO_TRY(check(op));
  const auto [rows, width] = op.x.shape;
  const double penalty = op.penalty;
  const std::set<uint32_t> seen(op.history.data, op.history.data + op.history.shape[0]);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < width; ++i) op.y(r, i) = op.x(r, i);
    for (const uint32_t id : seen) {
      double& y = op.y(r, int64_t{id});
      y = y > 0 ? y / penalty : y * penalty;
    }
  }
  return {};
}

}  // namespace kigo::reference
