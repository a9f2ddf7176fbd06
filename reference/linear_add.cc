#include "reference/linear_add.h"

#include <vector>

#include "reference/linear.h"

namespace kigo::reference {

template <class T>
Status linear_add(const ops::LinearAdd<T, Space::Host>& op) {
  KIGO_TRY(check(op));
  const int64_t in = op.w.cols, out = op.w.rows;
  std::vector<double> x(static_cast<size_t>(in)), product(static_cast<size_t>(out));
  for (int64_t i = 0; i < in; ++i) x[static_cast<size_t>(i)] = op.x(0, i);
  KIGO_TRY(
      linear<double>({.x = {x.data(), {1, in}}, .w = op.w, .bias = {}, .y = {product.data(), {1, out}}}));
  for (int64_t j = 0; j < out; ++j)
    op.y(0, j) = static_cast<T>(double{op.residual(0, j)} + product[static_cast<size_t>(j)]);
  return {};
}

template Status linear_add(const ops::LinearAdd<float, Space::Host>&);
template Status linear_add(const ops::LinearAdd<double, Space::Host>&);

}  // namespace kigo::reference
