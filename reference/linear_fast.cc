#include "reference/linear_fast.h"

#include <algorithm>
#include <vector>

#include "core/base/check.h"

#if defined(__x86_64__)
#define KIGO_TARGET(name) __attribute__((target(name)))
#define KIGO_HAS(name) (__builtin_cpu_supports(name) != 0)
#else
#define KIGO_TARGET(name)
#define KIGO_HAS(name) false
#endif

namespace kigo::reference {
namespace {

// Rows of w and of x that share one walk over the columns: as many sums as the registers hold.
constexpr int64_t kFastRows = 4;
constexpr int64_t kTokens = 4;

/// The compiler's own vectors: a loop over an array of sums would keep them in memory.
template <int64_t Width>
struct Vector;
template <>
struct Vector<4> {
  typedef float Type __attribute__((vector_size(16), aligned(4)));
};
template <>
struct Vector<8> {
  typedef float Type __attribute__((vector_size(32), aligned(4)));
};
template <>
struct Vector<16> {
  typedef float Type __attribute__((vector_size(64), aligned(4)));
};

/// sum[r * Tokens + t] = row r of w times row t of x. Both are `stride` columns long, a multiple of
/// kFastLanes. The lanes are taken Width at a time.
template <int64_t Width, int64_t Tokens>
[[gnu::always_inline]] inline void multiply(const float* w, const float* x, int64_t stride, double* sum) {
  using Floats = typename Vector<Width>::Type;
  double lanes[kFastRows * Tokens][kFastLanes] = {};
  for (int64_t block = 0; block < stride; block += kFastBlock) {
    const int64_t end = std::min(block + kFastBlock, stride);
    for (int64_t first = 0; first < kFastLanes; first += Width) {
      Floats s[kFastRows * Tokens] = {};
      for (int64_t i = block + first; i < end; i += kFastLanes) {
        for (int64_t t = 0; t < Tokens; ++t) {
          const Floats& column = *reinterpret_cast<const Floats*>(x + t * stride + i);
          for (int64_t r = 0; r < kFastRows; ++r)
            s[r * Tokens + t] += *reinterpret_cast<const Floats*>(w + r * stride + i) * column;
        }
      }
      for (int64_t n = 0; n < kFastRows * Tokens; ++n) {
        for (int64_t lane = 0; lane < Width; ++lane) lanes[n][first + lane] += double{s[n][lane]};
      }
    }
  }
  for (int64_t n = 0; n < kFastRows * Tokens; ++n) {
    sum[n] = 0;
    for (int64_t lane = 0; lane < kFastLanes; ++lane) sum[n] += lanes[n][lane];
  }
}

using Multiply = void (*)(const float* w, const float* x, int64_t stride, double* sum);

/// multiply() in the instructions of one width, for a tile of tokens and for a single one.
struct Kernels {
  Multiply tile;
  Multiply single;
};

void tile_4(const float* w, const float* x, int64_t stride, double* sum) {
  multiply<4, kTokens>(w, x, stride, sum);
}
void single_4(const float* w, const float* x, int64_t stride, double* sum) {
  multiply<4, 1>(w, x, stride, sum);
}
KIGO_TARGET("avx2") void tile_8(const float* w, const float* x, int64_t stride, double* sum) {
  multiply<8, kTokens>(w, x, stride, sum);
}
KIGO_TARGET("avx2") void single_8(const float* w, const float* x, int64_t stride, double* sum) {
  multiply<8, 1>(w, x, stride, sum);
}
KIGO_TARGET("avx512f") void tile_16(const float* w, const float* x, int64_t stride, double* sum) {
  multiply<16, kTokens>(w, x, stride, sum);
}
KIGO_TARGET("avx512f") void single_16(const float* w, const float* x, int64_t stride, double* sum) {
  multiply<16, 1>(w, x, stride, sum);
}

Kernels kernels_of(int64_t width) {
  switch (width) {
    case 4:
      return {tile_4, single_4};
    case 8:
      return {tile_8, single_8};
    default:
      return {tile_16, single_16};
  }
}

/// x in float, its rows `stride` apart and filled up with zeros, and rows of zeros up to a whole tile.
template <class T>
std::vector<float> rounded(const View<const T, 2>& x, int64_t rows, int64_t stride) {
  std::vector<float> out(static_cast<size_t>(rows * stride));
  for (int64_t t = 0; t < x.shape[0]; ++t) {
    for (int64_t i = 0; i < x.shape[1]; ++i)
      out[static_cast<size_t>(t * stride + i)] = static_cast<float>(x(t, i));
  }
  return out;
}

/// y of rows `first` to `first + kFastRows` of w, which `w` holds decoded, for all tokens.
template <class T>
void multiply_rows(const ops::Linear<T, Space::Host>& op, const Kernels& kernels, const float* w,
                   int64_t first, const std::vector<float>& x, int64_t stride) {
  const int64_t tokens = op.x.shape[0];
  const int64_t together = tokens == 1 ? 1 : kTokens;
  double sum[kFastRows * kTokens];
  for (int64_t t = 0; t < tokens; t += together) {
    (tokens == 1 ? kernels.single : kernels.tile)(w, x.data() + t * stride, stride, sum);
    for (int64_t j = first; j < std::min(first + kFastRows, op.w.rows); ++j) {
      const double bias = op.bias.data == nullptr ? 0.0 : op.bias(j);
      for (int64_t n = 0; n < std::min(together, tokens - t); ++n)
        op.y(t + n, j) = static_cast<T>(sum[(j - first) * together + n] + bias);
    }
  }
}

}  // namespace

std::span<const int64_t> fast_widths() {
  static constexpr int64_t kWidths[] = {4, 8, 16};
  static const size_t count = !KIGO_HAS("avx2") ? 1 : !KIGO_HAS("avx512f") ? 2 : 3;
  return {kWidths, count};
}

template <class T>
Status linear_fast(const ops::Linear<T, Space::Host>& op, int64_t width) {
  KIGO_TRY(check(op));
  const auto widths = fast_widths();
  KIGO_CHECK(width == 0 || std::ranges::count(widths, width) == 1);
  const Kernels kernels = kernels_of(width == 0 ? widths.back() : width);
  const int64_t tokens = op.x.shape[0];
  const int64_t stride = (op.w.cols + kFastLanes - 1) / kFastLanes * kFastLanes;
  const std::vector<float> x = rounded(op.x, (tokens + kTokens - 1) / kTokens * kTokens, stride);
  // Below some 0.5 ms of work, waking the threads costs more than they save.
  [[maybe_unused]] const bool worthwhile = op.w.rows * op.w.cols * (tokens + 1) >= 1 << 21;
#ifdef _OPENMP
#pragma omp parallel if (worthwhile)
#endif
  {
    std::vector<float> w(static_cast<size_t>(kFastRows * stride));
#ifdef _OPENMP
#pragma omp for schedule(dynamic, 8)
#endif
    for (int64_t first = 0; first < op.w.rows; first += kFastRows) {
      for (int64_t r = 0; r < std::min(kFastRows, op.w.rows - first); ++r)
        op.w.type->decode(op.w.data + (first + r) * op.w.row_bytes(), op.w.cols, w.data() + r * stride);
      multiply_rows(op, kernels, w.data(), first, x, stride);
    }
  }
  return {};
}

template Status linear_fast(const ops::Linear<float, Space::Host>&, int64_t);
template Status linear_fast(const ops::Linear<double, Space::Host>&, int64_t);

}  // namespace kigo::reference
