#include "reference/paged_attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace kigo::reference {
namespace {

double widened(float value) { return value; }
double widened(f16 value) { return to_float(value); }

/// Element i of the cached row of a position.
template <class C>
double cached(const View<const C, 4>& pool, const View<const int32_t, 1>& table, int64_t group,
              int64_t position, int64_t i) {
  return widened(pool(table(position / ops::kPagePositions), group, position % ops::kPagePositions, i));
}

template <class T, class C>
void attend(const ops::PagedAttention<T, C, Space::Host>& op, int64_t t, int64_t h) {
  const int64_t head_dim = op.q.shape[2];
  const int64_t group = h / (op.q.shape[1] / op.cache.k.shape[1]);
  const int64_t keys = op.positions(t) + 1;
  std::vector<double> score(static_cast<size_t>(keys));
  double largest = -std::numeric_limits<double>::infinity();
  for (int64_t p = 0; p < keys; ++p) {
    double dot = 0;
    for (int64_t i = 0; i < head_dim; ++i)
      dot += double{op.q(t, h, i)} * cached(op.cache.k, op.cache.table, group, p, i);
    double& s = score[static_cast<size_t>(p)];
    s = dot / std::sqrt(static_cast<double>(head_dim));
    largest = std::max(largest, s);
  }
  double sum = 0;
  for (double& s : score) sum += s = std::exp(s - largest);
  std::vector<double> mix(static_cast<size_t>(head_dim));
  for (int64_t p = 0; p < keys; ++p) {
    const double weight = score[static_cast<size_t>(p)] / sum;
    for (int64_t i = 0; i < head_dim; ++i)
      mix[static_cast<size_t>(i)] += weight * cached(op.cache.v, op.cache.table, group, p, i);
  }
  for (int64_t i = 0; i < head_dim; ++i) op.y(t, h, i) = static_cast<T>(mix[static_cast<size_t>(i)]);
}

}  // namespace

template <class T, class C>
Status paged_attention(const ops::PagedAttention<T, C, Space::Host>& op) {
  KIGO_TRY(check(op));
  const int64_t tokens = op.q.shape[0];
  const int64_t heads = op.q.shape[1];
  [[maybe_unused]] const bool worthwhile = tokens * heads * op.cache.positions() * op.q.shape[2] >= 1 << 19;
#ifdef _OPENMP
#pragma omp parallel for collapse(2) schedule(dynamic) if (worthwhile)
#endif
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t h = 0; h < heads; ++h) attend(op, t, h);
  }
  return {};
}

template Status paged_attention(const ops::PagedAttention<float, float, Space::Host>&);
template Status paged_attention(const ops::PagedAttention<float, f16, Space::Host>&);
template Status paged_attention(const ops::PagedAttention<double, float, Space::Host>&);
template Status paged_attention(const ops::PagedAttention<double, f16, Space::Host>&);

}  // namespace kigo::reference
