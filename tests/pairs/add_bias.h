// add_bias on both sides.
#pragma once

#include <algorithm>
#include <array>

#include "core/base/cat.h"
#include "kernels/add_bias.h"
#include "reference/add_bias.h"
#include "tests/pairs/data.h"
#include "tests/pairs/pair.h"

namespace kigo::pairs {

/// T = float, f16, bf16.
template <class T>
struct AddBias {
  struct Case {
    int64_t tokens = 1;
    int64_t width = 1;
    double scale = 1;
    uint64_t seed = 1;
  };

  static std::string name() { return cat("add_bias_", type_name<T>()); }
  static Case arbitrary(const Draw& draw) {
    return {draw_size(draw, 9), draw_size(draw, 5000, kTiles), std::min(draw_scale(draw), 4e3),
            draw_seed(draw)};
  }
  static std::vector<Case> edges() {
    return {{1, 1}, {9, 896}, {3, 1023}, {3, 1025}, {2, 4608, 4e3}, {70000, 3}, {0, 64}};
  }
  static std::vector<Case> bench() { return {{512, 1152}, {2048, 4608}}; }
  static std::string text(const Case& c) {
    return cat("tokens=", c.tokens, " width=", c.width, " scale=", c.scale, " seed=", c.seed);
  }

  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    return {drawn<T>("x", {c.tokens, c.width}, c.scale, random),
            drawn<float>("bias", {c.width}, c.scale, random), written<T>("y", {c.tokens, c.width})};
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) {
    return run(c, in, floats(in[1]));
  }

  /// The sum of two floats is rounded to float and never underflows. A T that is narrower is rounded to next.
  static Outputs bound(const Case&, std::span<const Tensor>, const Outputs& truth) {
    Outputs bounds = truth;
    const double before = std::is_same_v<T, float> ? 0 : compare::kUnitFloat;
    for (double& b : bounds[0]) b = rounded_bound<T>(before, b);
    return bounds;
  }

  static Status kernel(const Case&, std::span<const Placed> at, kernels::Stream stream) {
    return kernels::add_bias<T>(
        {.x = at[0].view<const T, 2>(), .bias = at[1].view<const float, 1>(), .y = at[2].view<T, 2>()},
        stream);
  }

  static std::vector<Mutant<Case>> mutants() {
    return {{"loads the bias as zeros",
             [](const Case& c, std::span<const Tensor> in) {
               return run(c, in, std::vector<float>(static_cast<size_t>(c.width)));
             }},
            {"takes the bias of the next column",
             [](const Case& c, std::span<const Tensor> in) {
               std::vector<float> bias = floats(in[1]);
               std::ranges::rotate(bias, bias.begin() + 1);
               return run(c, in, bias);
             }},
            {"leaves out the last column", [](const Case& c, std::span<const Tensor> in) {
               std::vector<float> bias = floats(in[1]);
               bias.back() = 0;
               return run(c, in, bias);
             }}};
  }
  static Cost cost(const Case& c) {
    const double elements = static_cast<double>(c.tokens * c.width);
    return {.bytes = 2 * elements * sizeof(T) + 4.0 * static_cast<double>(c.width), .flops = elements};
  }

 private:
  static constexpr std::array<int64_t, 2> kTiles{256, 1024};

  static Result<Outputs> run(const Case& c, std::span<const Tensor> in, const std::vector<float>& bias) {
    const std::vector<double> x = widened(in[0]);
    std::vector<double> y(x.size());
    KIGO_TRY(reference::add_bias<double>({.x = {x.data(), {c.tokens, c.width}},
                                          .bias = {bias.data(), {c.width}},
                                          .y = {y.data(), {c.tokens, c.width}}}));
    return Outputs{y};
  }
};

using AddBiasPairs = PairList<AddBias<float>, AddBias<f16>, AddBias<bf16>>;

}  // namespace kigo::pairs
