#include "reference/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "core/base/fault.h"

namespace kigo::reference {
namespace {

/// One query over the keys 0 .. score.size() - 1 of its group; `score` is the scratch row.
template <class T>
void attend(const ops::Attention<T, Space::Host>& op, int64_t t, int64_t h, std::span<double> score) {
  const int64_t head_dim = op.q.shape[2];
  const int64_t group = h / (op.q.shape[1] / op.k.shape[1]);
  const auto keys = static_cast<int64_t>(score.size());
  double largest = -std::numeric_limits<double>::infinity();
  for (int64_t p = 0; p < keys; ++p) {
    double dot = 0;
    for (int64_t i = 0; i < head_dim; ++i) dot += double{op.q(t, h, i)} * double{op.k(p, group, i)};
    double& s = score[static_cast<size_t>(p)];
    s = dot / (KIGO_FAULT(F76) ? static_cast<double>(head_dim) : std::sqrt(static_cast<double>(head_dim)));
    largest = std::max(largest, s);
  }
  double sum = 0;
  for (double& s : score) sum += s = std::exp(s - largest);
  for (int64_t i = 0; i < head_dim; ++i) {
    double mix = 0;
    for (int64_t p = 0; p < keys; ++p) mix += score[static_cast<size_t>(p)] / sum * double{op.v(p, group, i)};
    op.y(t, h, i) = static_cast<T>(mix);
  }
}

}  // namespace

template <class T>
Status attention(const ops::Attention<T, Space::Host>& op) {
  KIGO_TRY(check(op));
  const int64_t tokens = op.q.shape[0];
  const int64_t heads = op.q.shape[1];
  const int64_t past = op.k.shape[0] - tokens;  // positions before the first query's own
  [[maybe_unused]] const bool worthwhile = tokens * heads * op.k.shape[0] * op.q.shape[2] >= 1 << 19;
#ifdef _OPENMP
#pragma omp parallel for collapse(2) schedule(dynamic) if (worthwhile)
#endif
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t h = 0; h < heads; ++h) {
      std::vector<double> score(static_cast<size_t>(past + t + 1));
      attend(op, t, h, score);
    }
  }
  return {};
}

template Status attention(const ops::Attention<float, Space::Host>&);
template Status attention(const ops::Attention<double, Space::Host>&);

}  // namespace kigo::reference
