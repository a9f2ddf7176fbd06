#include "reference/norm_head_argmax.h"

#include <vector>

#include "reference/argmax.h"
#include "reference/linear.h"
#include "reference/rmsnorm.h"

namespace kigo::reference {

template <class T>
Status norm_head_argmax(const ops::NormHeadArgmax<T, Space::Host>& op) {
  KIGO_TRY(check(op));
  const int64_t width = op.x.shape[1], vocab = op.head.rows;
  std::vector<double> x(static_cast<size_t>(width)), logits(static_cast<size_t>(vocab));
  const View<double, 2> n = {x.data(), {1, width}};  // [1, width]
  for (int64_t i = 0; i < width; ++i) n(0, i) = op.x(0, i);
  KIGO_TRY(rmsnorm<double>({.x = n, .weight = op.norm_weight, .y = n, .eps = op.norm_eps}));
  KIGO_TRY(linear<double>({.x = n, .w = op.head, .bias = {}, .y = {logits.data(), {1, vocab}}}));
  for (int64_t j = 0; j < vocab; ++j) op.logits(0, j) = static_cast<T>(logits[static_cast<size_t>(j)]);
  return argmax<T>({.x = op.logits, .ids = op.ids});
}

template Status norm_head_argmax(const ops::NormHeadArgmax<float, Space::Host>&);
template Status norm_head_argmax(const ops::NormHeadArgmax<double, Space::Host>&);

}  // namespace kigo::reference
