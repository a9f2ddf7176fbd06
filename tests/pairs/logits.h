// Rows of logits for the pairs of the sampling operations.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "core/base/cat.h"
#include "tests/pairs/data.h"
#include "tests/pairs/pair.h"

namespace kigo::pairs {

/// What rows of logits look like.
enum class Logits : uint8_t {
  drawn,     // normal
  tied,      // multiples of 1/4: many are equal
  filtered,  // normal, but three in four are -inf, as after a filter
  equal,     // all the same
};

struct LogitsCase {
  int64_t rows = 1;
  int64_t width = 1;
  Logits kind = Logits::drawn;
  double scale = 2;
  double parameter = 0;  // k, p, min_p ...: what the operation is asked for
  uint64_t seed = 1;
};

inline constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();
inline constexpr std::array<int64_t, 3> kLogitsTiles{256, 1024, 2048};

inline LogitsCase draw_logits(const Draw& draw, std::span<const double> parameters) {
  static constexpr std::array<double, 4> kScales{2, 0.25, 2, 20};
  return {draw_size(draw, 9),
          draw_size(draw, 5000, kLogitsTiles),
          static_cast<Logits>(draw(0, 3)),
          kScales[static_cast<size_t>(draw(0, 3))],
          parameters[static_cast<size_t>(draw(0, static_cast<int64_t>(parameters.size()) - 1))],
          draw_seed(draw)};
}

inline std::string text_of(const LogitsCase& c) {
  return cat("rows=", c.rows, " width=", c.width, " kind=", static_cast<int>(c.kind), " scale=", c.scale,
             " parameter=", c.parameter, " seed=", c.seed);
}

/// One number of a row; never NaN, and +inf never.
inline double drawn_logit(const LogitsCase& c, Random& random) {
  const double value = c.scale * random.normal();
  switch (c.kind) {
    case Logits::tied:
      return std::round(value * 4) / 4;
    case Logits::filtered:
      return random.below(4) == 0 ? value : kMinusInfinity;
    case Logits::equal:
      return c.scale;
    case Logits::drawn:
      break;
  }
  return value;
}

/// [rows, width]; every row has something above -inf.
template <class T>
Tensor drawn_logits(const LogitsCase& c, Random& random) {
  std::vector<T> x(static_cast<size_t>(c.rows * c.width));
  for (size_t n = 0; n < x.size(); ++n) {
    const double value = drawn_logit(c, random);
    const bool must_be_finite = n % static_cast<size_t>(c.width) == static_cast<size_t>(c.width) / 2;
    x[n] = static_cast<T>(must_be_finite ? std::max(value, -5 * c.scale) : value);
  }
  return given<T>("x", {c.rows, c.width}, std::span<const T>(x));
}

/// Row r of a tensor [rows, width].
inline std::span<const double> row_of(const LogitsCase& c, std::span<const double> all, int64_t r) {
  return all.subspan(static_cast<size_t>(r * c.width), static_cast<size_t>(c.width));
}

/// The columns of a row by (x falling, id rising).
inline std::vector<size_t> columns_in_order(std::span<const double> row) {
  std::vector<size_t> columns(row.size());
  std::iota(columns.begin(), columns.end(), size_t{0});
  std::ranges::stable_sort(columns, [&](size_t a, size_t b) { return row[a] > row[b]; });
  return columns;
}

/// A wrong filter: `kept` says, of a row, which of its columns stay.
inline Outputs filtered(const LogitsCase& c, std::span<const double> x, auto kept) {
  std::vector<double> y;
  for (int64_t r = 0; r < c.rows; ++r) {
    const std::span<const double> row = row_of(c, x, r);
    const std::vector<bool> stays = kept(row);
    for (size_t i = 0; i < row.size(); ++i) y.push_back(stays[i] ? row[i] : kMinusInfinity);
  }
  return {y};
}

}  // namespace kigo::pairs
