#include "reference/linear_half.h"

#include <vector>

#include "core/base/half.h"
#include "reference/linear.h"

namespace kigo::reference {

Status linear_half(const ops::Linear<double, Space::Host>& op) {
  KIGO_TRY(check(op));
  const auto [tokens, in] = op.x.shape;
  std::vector<double> x(static_cast<size_t>(tokens * in));
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t i = 0; i < in; ++i)
      x[static_cast<size_t>(t * in + i)] = double{to_float(to_f16(op.x(t, i)))};
  std::vector<float> w(static_cast<size_t>(op.w.rows * in));
  for (int64_t j = 0; j < op.w.rows; ++j)
    op.w.type->decode(op.w.data + j * op.w.row_bytes(), in, w.data() + j * in);
  for (float& value : w) value = to_float(to_f16(double{value}));
  return linear<double>(
      {.x = {x.data(), op.x.shape},
       .w = {reinterpret_cast<const std::byte*>(w.data()), quant::find_tensor_type("F32"), op.w.rows, in},
       .bias = op.bias,
       .y = op.y});
}

}  // namespace kigo::reference
