// rmsnorm on both sides.
#pragma once

#include <array>
#include <cmath>

#include "core/base/cat.h"
#include "core/base/fault.h"
#include "core/compare/bound.h"
#include "kernels/rmsnorm.h"
#include "reference/rmsnorm.h"
#include "tests/pairs/data.h"
#include "tests/pairs/pair.h"

namespace kigo::pairs {

/// T = float, f16, bf16.
template <class T>
struct RmsNorm {
  struct Case {
    int64_t tokens = 1;
    int64_t width = 1;
    double scale = 1;
    float eps = 1e-6f;
    uint64_t seed = 1;
  };

  static std::string name() { return cat("rmsnorm_", type_name<T>()); }
  static Case arbitrary(const Draw& draw) {
    return {draw_size(draw, 9), draw_size(draw, 5000, kThreads), draw_scale(draw),
            draw(0, 1) == 0 ? 0.0f : 1e-6f, draw_seed(draw)};
  }
  static std::vector<Case> edges() {
    return {{1, 1},
            {1, 32768},
            {9, 896},
            {3, 255},
            {3, 257},
            {2, 3584},
            {1, 64, 1e-3, 1e-6f},
            {1, 64, 1e-20, 1e-6f},
            {0, 64}};
  }
  /// 2.1e9 elements: no index of 32 bits counts them.
  static std::vector<Huge<Case>> huge() {
    return {{.tile = {1009, 4096}, .whole = {1009 * 520, 4096}, .repeats = 520, .repeated = {"x", "y"}}};
  }
  static std::vector<Case> bench() { return {{1, 896}, {512, 896}, {1, 3584}, {2048, 3584}}; }
  static std::string text(const Case& c) {
    return cat("tokens=", c.tokens, " width=", c.width, " scale=", c.scale, " eps=", c.eps, " seed=", c.seed);
  }

  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    return {drawn<T>("x", {c.tokens, c.width}, c.scale, random), drawn<float>("weight", {c.width}, 1, random),
            written<T>("y", {c.tokens, c.width})};
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) {
    return run(c, in, c.eps, c.width);
  }

  /// With s the mean square: its sum of n squares is made of n / 256 serial terms a thread and a tree of 8
  /// levels, all positive, so it is off by at most (n / 256 + 8 + 1) u; the division by n, adding eps, the
  /// root (which halves the relative error), the division and the product round once each.
  static Outputs bound(const Case& c, std::span<const Tensor>, const Outputs& truth) {
    const double roundings = (std::ceil(static_cast<double>(c.width) / 256) + 9 + 2) / 2 + 3;
    Outputs bounds = truth;
    const double factor = KIGO_FAULT(F82) ? 1000 : 1;
    for (double& b : bounds[0]) b = factor * rounded_bound<T>(1.02 * roundings * compare::kUnitFloat, b);
    return bounds;
  }

  static Status kernel(const Case& c, std::span<const Placed> at, kernels::Stream stream) {
    return kernels::rmsnorm<T>({.x = at[0].view<const T, 2>(),
                                .weight = at[1].view<const float, 1>(),
                                .y = at[2].view<T, 2>(),
                                .eps = c.eps},
                               stream);
  }

  static std::vector<Mutant<Case>> mutants() {
    return {{"drops the last term of the sum",
             [](const Case& c, std::span<const Tensor> in) { return run(c, in, c.eps, c.width - 1); }},
            {"adds eps twice",
             [](const Case& c, std::span<const Tensor> in) { return run(c, in, 2 * c.eps, c.width); }},
            {"leaves out the weight", [](const Case& c, std::span<const Tensor> in) {
               std::vector<Tensor> plain(in.begin(), in.end());
               plain[1] = constant<float>("weight", {c.width}, 1);
               return run(c, plain, c.eps, c.width);
             }}};
  }
  static Cost cost(const Case& c) {
    const double elements = static_cast<double>(c.tokens * c.width);
    return {.bytes = 2 * elements * sizeof(T) + 4.0 * static_cast<double>(c.width), .flops = 4 * elements};
  }

 private:
  static constexpr std::array<int64_t, 1> kThreads{256};

  /// The truth when `summed` is the width; with fewer, the sum of squares lacks the rest.
  static Result<Outputs> run(const Case& c, std::span<const Tensor> in, float eps, int64_t summed) {
    std::vector<double> x = widened(in[0]);
    const std::vector<float> weight = floats(in[1]);
    std::vector<double> y(x.size());
    if (summed < c.width) {
      for (int64_t t = 0; t < c.tokens; ++t) {
        double squares = 0;
        for (int64_t i = 0; i < summed; ++i) squares += std::pow(x[static_cast<size_t>(t * c.width + i)], 2);
        const double root = std::sqrt(squares / static_cast<double>(c.width) + double{eps});
        for (int64_t i = 0; i < c.width; ++i) {
          const auto at = static_cast<size_t>(t * c.width + i);
          y[at] = x[at] / root * double{weight[static_cast<size_t>(i)]};
        }
      }
      return Outputs{y};
    }
    KIGO_TRY(reference::rmsnorm<double>({.x = {x.data(), {c.tokens, c.width}},
                                         .weight = {weight.data(), {c.width}},
                                         .y = {y.data(), {c.tokens, c.width}},
                                         .eps = eps}));
    return Outputs{y};
  }
};

using RmsnormPairs = PairList<RmsNorm<float>, RmsNorm<f16>, RmsNorm<bf16>>;

}  // namespace kigo::pairs
