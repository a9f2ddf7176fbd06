// softmax on both sides.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/base/cat.h"
#include "core/compare/close.h"
#include "kernels/softmax.h"
#include "reference/softmax.h"
#include "tests/pairs/data.h"
#include "tests/pairs/pair.h"

namespace kigo::pairs {

/// T = float, f16, bf16.
template <class T>
struct Softmax {
  struct Case {
    int64_t rows = 1;
    int64_t width = 1;
    double scale = 1;
    uint64_t seed = 1;
    double odd = 0;  // not 0: this value replaces the middle of the first row
  };
  static constexpr compare::NonFinite non_finite = compare::NonFinite::as_wanted;

  static std::string name() { return cat("softmax_", type_name<T>()); }
  static Case arbitrary(const Draw& draw) {
    return {draw_size(draw, 9), draw_size(draw, 5000, kThreads), std::min(draw_scale(draw), 100.0),
            draw_seed(draw)};
  }
  static std::vector<Case> edges() {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    return {{1, 1},
            {9, 896},
            {3, 1023},
            {3, 1025},
            {2, 2048, 60},
            {1, 151936},
            {2, 31, 1, 1, -kInfinity},
            {2, 31, 1, 1, kInfinity},
            {2, 31, 1, 1, std::numeric_limits<double>::quiet_NaN()},
            {2, 1, 1, 1, -kInfinity},
            {0, 64}};
  }
  static std::vector<Case> bench() { return {{1, 151936}, {32, 4096}}; }
  static std::string text(const Case& c) {
    return cat("rows=", c.rows, " width=", c.width, " scale=", c.scale, " odd=", c.odd, " seed=", c.seed);
  }

  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    std::vector<T> x(static_cast<size_t>(c.rows * c.width));
    for (T& value : x) value = narrowed<T>(c.scale * random.normal());
    if (c.odd != 0 && !x.empty()) x[static_cast<size_t>(c.width / 2)] = narrowed<T>(c.odd);
    return {given<T>("x", {c.rows, c.width}, std::span<const T>(x)), written<T>("y", {c.rows, c.width})};
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) {
    const std::vector<double> x = widened(in[0]);
    std::vector<double> y(x.size());
    KIGO_TRY(
        reference::softmax<double>({.x = {x.data(), {c.rows, c.width}}, .y = {y.data(), {c.rows, c.width}}}));
    return Outputs{y};
  }

  /// x - m is rounded once, which the exponential turns into a relative error of |x - m| u; expf itself is
  /// off by at most 4 u (CUDA programming guide: 2 units in the last place), or by 2^-149 where it
  /// underflows. The sum of such terms, all positive, is off by their own errors, weighted by their
  /// probabilities, and by ceil(width / 1024) + 10 roundings (serial in a thread, then two trees of 5
  /// levels). The division rounds once.
  static Outputs bound(const Case& c, std::span<const Tensor> in, const Outputs& truth) {
    const std::vector<double> x = widened(in[0]);
    const double u = compare::kUnitFloat;
    const double added = (std::ceil(static_cast<double>(c.width) / 1024) + 10 + 1) * u;
    Outputs bounds = truth;
    for (int64_t r = 0; r < c.rows; ++r) {
      const auto at = [&](int64_t i) { return static_cast<size_t>(r * c.width + i); };
      double largest = x[at(0)], mean = 0;
      for (int64_t i = 0; i < c.width; ++i) largest = std::max(largest, x[at(i)]);
      const auto own = [&](int64_t i) { return (std::abs(x[at(i)] - largest) + 4) * u; };
      for (int64_t i = 0; i < c.width; ++i) {
        if (truth[0][at(i)] > 0) mean += truth[0][at(i)] * own(i);
      }
      for (int64_t i = 0; i < c.width; ++i) {
        const double p = truth[0][at(i)];
        const double relative = p > 0 ? 1.02 * (own(i) + mean + added) : 0;
        bounds[0][at(i)] = p >= 0 ? rounded_bound<T>(relative, p) + 0x1p-148 : 0;  // NaN has no distance
      }
    }
    return bounds;
  }

  static Status kernel(const Case&, std::span<const Placed> at, kernels::Stream stream) {
    return kernels::softmax<T>({.x = at[0].view<const T, 2>(), .y = at[1].view<T, 2>()}, stream);
  }

  static std::vector<Mutant<Case>> mutants() {
    return {{"drops the last term of the sum",
             [](const Case& c, std::span<const Tensor> in) { return run(c, in, {.dropped = 1}); }},
            {"keeps the sum in half",
             [](const Case& c, std::span<const Tensor> in) { return run(c, in, {.half_sum = true}); }},
            {"subtracts no maximum", [](const Case& c, std::span<const Tensor> in) {
               return run(c, in, {.subtract_maximum = false});
             }}};
  }
  static Cost cost(const Case& c) {
    const double elements = static_cast<double>(c.rows * c.width);
    return {.bytes = 2 * elements * sizeof(T), .flops = 5 * elements};
  }

 private:
  static constexpr std::array<int64_t, 2> kThreads{32, 1024};

  struct Fault {
    int64_t dropped = 0;
    bool half_sum = false;
    bool subtract_maximum = true;
  };
  static Result<Outputs> run(const Case& c, std::span<const Tensor> in, Fault fault) {
    std::vector<double> y = widened(in[0]);
    for (int64_t r = 0; r < c.rows; ++r) {
      const std::span<double> row =
          std::span(y).subspan(static_cast<size_t>(r * c.width), static_cast<size_t>(c.width));
      const double shift = fault.subtract_maximum ? std::ranges::max(row) : 0;
      double sum = 0;
      for (double& e : row) e = double{static_cast<float>(std::exp(e - shift))};
      for (size_t i = 0; i + static_cast<size_t>(fault.dropped) < row.size(); ++i)
        sum = fault.half_sum ? to_float(to_f16(sum + row[i])) : sum + row[i];
      for (double& e : row) e /= sum;
    }
    return Outputs{y};
  }
};

using SoftmaxPairs = PairList<Softmax<float>, Softmax<f16>, Softmax<bf16>>;

}  // namespace kigo::pairs
