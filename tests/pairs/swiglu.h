// swiglu on both sides.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/cat.h"
#include "kernels/swiglu.h"
#include "reference/swiglu.h"
#include "tests/pairs/data.h"
#include "tests/pairs/pair.h"

namespace kigo::pairs {

/// T = float, f16, bf16.
template <class T>
struct SwiGlu {
  struct Case {
    int64_t tokens = 1;
    int64_t width = 1;
    double scale = 1;
    uint64_t seed = 1;
  };

  static std::string name() { return cat("swiglu_", type_name<T>()); }
  static Case arbitrary(const Draw& draw) {
    const double scale = std::min(draw_scale(draw), 40.0);  // half holds products up to 65504
    return {draw_size(draw, 9), draw_size(draw, 5000, kTiles), scale, draw_seed(draw)};
  }
  static std::vector<Case> edges() {
    return {{1, 1}, {9, 4864}, {3, 1023}, {3, 1025}, {2, 2048, 40}, {2, 300, 1e-3}, {70000, 3}, {0, 64}};
  }
  static std::vector<Case> bench() { return {{1, 4864}, {512, 4864}, {1, 18944}, {2048, 18944}}; }
  static std::string text(const Case& c) {
    return cat("tokens=", c.tokens, " width=", c.width, " scale=", c.scale, " seed=", c.seed);
  }

  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    return {drawn<T>("gate", {c.tokens, c.width}, c.scale, random),
            drawn<T>("up", {c.tokens, c.width}, c.scale, random), written<T>("y", {c.tokens, c.width})};
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) {
    const std::vector<double> gate = widened(in[0]), up = widened(in[1]);
    std::vector<double> y(gate.size());
    KIGO_TRY(reference::swiglu<double>({.gate = {gate.data(), {c.tokens, c.width}},
                                        .up = {up.data(), {c.tokens, c.width}},
                                        .y = {y.data(), {c.tokens, c.width}}}));
    return Outputs{y};
  }

  /// expf is off by at most 2 units in the last place, 4 u of its value (CUDA programming guide, mathematical
  /// functions). 1 + e^-z passes that on at most as it is and rounds once; the division and the product round
  /// once each: 7 u, the product with the rounding to T apart. What underflows on the way is off by 2^-149
  /// |up|. Once e^-z overflows (z < -88.7) the result is -0 instead of z e^z up, at most 89 e^-88.7 = 2.7e-37
  /// times up.
  static Outputs bound(const Case&, std::span<const Tensor> in, const Outputs& truth) {
    const std::vector<double> gate = widened(in[0]), up = widened(in[1]);
    Outputs bounds = truth;
    for (size_t i = 0; i < gate.size(); ++i) {
      const double lost = (gate[i] < -88.7 ? 2.8e-37 : 0x1p-148) * std::abs(up[i]);
      bounds[0][i] = rounded_bound<T>(1.01 * 7 * compare::kUnitFloat, truth[0][i]) + lost;
    }
    return bounds;
  }

  static Status kernel(const Case&, std::span<const Placed> at, kernels::Stream stream) {
    return kernels::swiglu<T>(
        {.gate = at[0].view<const T, 2>(), .up = at[1].view<const T, 2>(), .y = at[2].view<T, 2>()}, stream);
  }

  static std::vector<Mutant<Case>> mutants() {
    const auto with = [](double (*y)(double gate, double up)) {
      return [y](const Case&, std::span<const Tensor> in) -> Result<Outputs> {
        const std::vector<double> up = widened(in[1]);
        std::vector<double> out = widened(in[0]);
        for (size_t i = 0; i < out.size(); ++i) out[i] = y(out[i], up[i]);
        return Outputs{out};
      };
    };
    return {
        {"swaps gate and up", with([](double gate, double up) { return up / (1 + std::exp(-up)) * gate; })},
        {"forgets the gate's own factor",
         with([](double gate, double up) { return up / (1 + std::exp(-gate)); })},
        {"takes gelu for silu",
         with([](double gate, double up) { return gate * 0.5 * std::erfc(-gate / std::sqrt(2.0)) * up; })},
        {"turns a large negative gate into NaN", with([](double gate, double up) {
           const float e = std::exp(static_cast<float>(gate));
           return gate < -80 ? double{0 * (1 / (e * 0.0f))} : gate / (1 + std::exp(-gate)) * up;
         })}};
  }
  static Cost cost(const Case& c) {
    const double elements = static_cast<double>(c.tokens * c.width);
    return {.bytes = 3 * elements * sizeof(T), .flops = 5 * elements};
  }

 private:
  static constexpr std::array<int64_t, 2> kTiles{256, 1024};
};

using SwigluPairs = PairList<SwiGlu<float>, SwiGlu<f16>, SwiGlu<bf16>>;

}  // namespace kigo::pairs
