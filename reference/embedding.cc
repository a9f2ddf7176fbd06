#include "reference/embedding.h"

#include <vector>

namespace kigo::reference {

template <class T>
Status embedding(const ops::Embedding<T, Space::Host>& op) {
  KIGO_TRY(check(op));
  const int64_t width = op.table.cols;
  std::vector<float> row(static_cast<size_t>(width));
  for (int64_t t = 0; t < op.ids.shape[0]; ++t) {
    op.table.type->decode(op.table.data + op.ids(t) * op.table.row_bytes(), width, row.data());
    for (int64_t i = 0; i < width; ++i) op.y(t, i) = row[static_cast<size_t>(i)];
  }
  return {};
}

template Status embedding(const ops::Embedding<float, Space::Host>&);
template Status embedding(const ops::Embedding<double, Space::Host>&);

}  // namespace kigo::reference
