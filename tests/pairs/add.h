// add on both sides.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/cat.h"
#include "kernels/add.h"
#include "reference/add.h"
#include "tests/pairs/data.h"
#include "tests/pairs/pair.h"

namespace kigo::pairs {

/// T = float, f16, bf16.
template <class T>
struct Add {
  struct Case {
    int64_t tokens = 1;
    int64_t width = 1;
    double scale = 1;
    uint64_t seed = 1;
  };

  static std::string name() { return cat("add_", type_name<T>()); }
  static Case arbitrary(const Draw& draw) {
    return {draw_size(draw, 9), draw_size(draw, 5000, kTiles), std::min(draw_scale(draw), 4e3),
            draw_seed(draw)};
  }
  static std::vector<Case> edges() {
    return {{1, 1}, {9, 896}, {3, 1023}, {3, 1025}, {2, 3584, 4e3}, {70000, 3}, {0, 64}, {4, 0}};
  }
  static std::vector<Case> bench() { return {{1, 896}, {512, 896}, {1, 3584}, {2048, 3584}}; }
  static std::string text(const Case& c) {
    return cat("tokens=", c.tokens, " width=", c.width, " scale=", c.scale, " seed=", c.seed);
  }

  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    return {drawn<T>("a", {c.tokens, c.width}, c.scale, random),
            drawn<T>("b", {c.tokens, c.width}, c.scale, random), written<T>("y", {c.tokens, c.width})};
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) {
    const std::vector<double> a = widened(in[0]), b = widened(in[1]);
    std::vector<double> y(a.size());
    KIGO_TRY(reference::add<double>({.a = {a.data(), {c.tokens, c.width}},
                                     .b = {b.data(), {c.tokens, c.width}},
                                     .y = {y.data(), {c.tokens, c.width}}}));
    return Outputs{y};
  }

  /// The sum is rounded to float; a sum of two floats never underflows. A T that is narrower is rounded to
  /// next.
  static Outputs bound(const Case&, std::span<const Tensor>, const Outputs& truth) {
    Outputs bounds = truth;
    const double before = std::is_same_v<T, float> ? 0 : compare::kUnitFloat;
    for (double& b : bounds[0]) b = rounded_bound<T>(before, b);
    return bounds;
  }

  static Status kernel(const Case&, std::span<const Placed> at, kernels::Stream stream) {
    return kernels::add<T>(
        {.a = at[0].view<const T, 2>(), .b = at[1].view<const T, 2>(), .y = at[2].view<T, 2>()}, stream);
  }

  static std::vector<Mutant<Case>> mutants() {
    return {
        {"leaves out the second term",
         [](const Case&, std::span<const Tensor> in) -> Result<Outputs> { return Outputs{widened(in[0])}; }},
        {"adds the row above",
         [](const Case& c, std::span<const Tensor> in) -> Result<Outputs> {
           const std::vector<double> b = widened(in[1]);
           std::vector<double> y = widened(in[0]);
           const auto width = static_cast<size_t>(c.width);
           for (size_t i = 0; i < y.size(); ++i) y[i] += b[i < width ? i : i - width];
           return Outputs{y};
         }},
        {"keeps the sum in 7 bits", [](const Case&, std::span<const Tensor> in) -> Result<Outputs> {
           const std::vector<double> b = widened(in[1]);
           std::vector<double> y = widened(in[0]);
           for (size_t i = 0; i < y.size(); ++i) {
             int exponent = 0;
             const double fraction = std::frexp(y[i] + b[i], &exponent);
             y[i] = std::ldexp(std::nearbyint(fraction * 0x1p7), exponent - 7);
           }
           return Outputs{y};
         }}};
  }
  static Cost cost(const Case& c) {
    const double elements = static_cast<double>(c.tokens * c.width);
    return {.bytes = 3 * elements * sizeof(T), .flops = elements};
  }

 private:
  static constexpr std::array<int64_t, 2> kTiles{256, 1024};
};

using AddPairs = PairList<Add<float>, Add<f16>, Add<bf16>>;

}  // namespace kigo::pairs
