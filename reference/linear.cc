#include "reference/linear.h"

#include <algorithm>
#include <vector>

namespace kigo::reference {
namespace {

constexpr int64_t kRows = 4;  // rows of w that share one walk over x

/// x turned so that the tokens of one panel lie side by side: panel[i][lane] = x(first + lane, i), in double.
/// Lanes beyond the last token hold zeros and nobody reads what comes of them.
template <int64_t Lanes, class T>
std::vector<double> panels_of(const View<const T, 2>& x) {
  const auto [tokens, in] = x.shape;
  const int64_t panels = (tokens + Lanes - 1) / Lanes;
  std::vector<double> out(static_cast<size_t>(panels * in * Lanes));
  for (int64_t t = 0; t < tokens; ++t) {
    double* panel = out.data() + t / Lanes * in * Lanes;
    for (int64_t i = 0; i < in; ++i) panel[i * Lanes + t % Lanes] = x(t, i);
  }
  return out;
}

/// sum[r][lane] = sum_i tile[i][r] * panel[i][lane], i rising. The tokens run innermost, so the compiler can
/// take several at a time without touching the order of any one sum.
template <int64_t Lanes>
void multiply(const double* tile, const double* panel, int64_t in, double (&sum)[kRows][Lanes]) {
  double s[kRows][Lanes] = {};
  for (int64_t i = 0; i < in; ++i) {
    for (int64_t r = 0; r < kRows; ++r) {
      for (int64_t lane = 0; lane < Lanes; ++lane)
        s[r][lane] += tile[i * kRows + r] * panel[i * Lanes + lane];
    }
  }
  std::copy(&s[0][0], &s[0][0] + kRows * Lanes, &sum[0][0]);
}

/// kRows rows of w from `first` on, decoded once for all tokens: tile[i][r] = w(first + r, i).
void decode_tile(const ops::Matrix<Space::Host>& w, int64_t first, std::vector<float>& row,
                 std::vector<double>& tile) {
  for (int64_t r = 0; r < std::min(kRows, w.rows - first); ++r) {
    w.type->decode(w.data + (first + r) * w.row_bytes(), w.cols, row.data());
    for (int64_t i = 0; i < w.cols; ++i)
      tile[static_cast<size_t>(i * kRows + r)] = row[static_cast<size_t>(i)];
  }
}

template <int64_t Lanes, class T>
void multiply_all(const ops::Linear<T, Space::Host>& op) {
  const int64_t tokens = op.x.shape[0];
  // A value is decoded once and multiplied `tokens` times. Below some 0.5 ms of that, waking the threads
  // costs more than they save, and on a busy machine far more.
  [[maybe_unused]] const bool worthwhile = op.w.rows * op.w.cols * (tokens + 1) >= 1 << 20;
  const std::vector<double> panels = panels_of<Lanes>(op.x);
#ifdef _OPENMP
#pragma omp parallel if (worthwhile)
#endif
  {
    std::vector<float> row(static_cast<size_t>(op.w.cols));
    std::vector<double> tile(static_cast<size_t>(op.w.cols * kRows));
#ifdef _OPENMP
#pragma omp for schedule(dynamic, 8)
#endif
    for (int64_t first = 0; first < op.w.rows; first += kRows) {
      decode_tile(op.w, first, row, tile);
      for (int64_t t = 0; t < tokens; t += Lanes) {
        double sum[kRows][Lanes];
        multiply<Lanes>(tile.data(), panels.data() + t * op.w.cols, op.w.cols, sum);
        for (int64_t j = first; j < std::min(first + kRows, op.w.rows); ++j) {
          const double bias = op.bias.data == nullptr ? 0.0 : op.bias(j);
          for (int64_t lane = 0; lane < std::min(Lanes, tokens - t); ++lane) {
            op.y(t + lane, j) = static_cast<T>(sum[j - first][lane] + bias);
          }
        }
      }
    }
  }
}

}  // namespace

template <class T>
Status linear(const ops::Linear<T, Space::Host>& op) {
  KIGO_TRY(check(op));
  if (op.x.shape[0] == 1) {
    multiply_all<1>(op);
  } else {
    multiply_all<4>(op);
  }
  return {};
}

template Status linear(const ops::Linear<float, Space::Host>&);
template Status linear(const ops::Linear<double, Space::Host>&);

}  // namespace kigo::reference
