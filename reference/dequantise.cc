#include "reference/dequantise.h"

#include <vector>

namespace kigo::reference {

template <class T>
Status dequantise(const ops::Dequantise<T, Space::Host>& op) {
  KIGO_TRY(check(op));
  std::vector<float> row(static_cast<size_t>(op.w.cols));
  for (int64_t j = 0; j < op.w.rows; ++j) {
    op.w.type->decode(op.w.data + j * op.w.row_bytes(), op.w.cols, row.data());
    for (int64_t i = 0; i < op.w.cols; ++i) {
      const float value = row[static_cast<size_t>(i)];
      if constexpr (std::is_same_v<T, f16>) {
        op.y(j, i) = to_f16(double{value});
      } else {
        op.y(j, i) = value;
      }
    }
  }
  return {};
}

template Status dequantise(const ops::Dequantise<float, Space::Host>&);
template Status dequantise(const ops::Dequantise<double, Space::Host>&);
template Status dequantise(const ops::Dequantise<f16, Space::Host>&);

}  // namespace kigo::reference
