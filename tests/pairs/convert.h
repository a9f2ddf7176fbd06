// convert on both sides.
#pragma once

#include <array>
#include <cmath>

#include "core/base/cat.h"
#include "core/compare/close.h"
#include "kernels/convert.h"
#include "reference/convert.h"
#include "tests/pairs/data.h"
#include "tests/pairs/pair.h"

namespace kigo::pairs {

/// float -> f16, f16 -> float.
template <class From, class To>
struct Convert {
  struct Case {
    int64_t tokens = 1;
    int64_t width = 1;
    double scale = 1;
    uint64_t seed = 1;
  };
  /// Floats that no half reaches become infinity.
  static constexpr compare::NonFinite non_finite = compare::NonFinite::as_wanted;

  static std::string name() { return cat("convert_", type_name<From>(), "_", type_name<To>()); }
  static Case arbitrary(const Draw& draw) {
    return {draw_size(draw, 9), draw_size(draw, 5000, kTiles), draw_scale(draw), draw_seed(draw)};
  }
  static std::vector<Case> edges() {
    return {{1, 1},          {9, 896},       {3, 1023},  {3, 1025}, {2, 5000, 0x1p-14},
            {2, 5000, 3e-7}, {2, 5000, 3e4}, {70000, 3}, {0, 64}};
  }
  static std::vector<Case> bench() { return {{512, 896}, {2048, 3584}, {2048, 18944}}; }
  static std::string text(const Case& c) {
    return cat("tokens=", c.tokens, " width=", c.width, " scale=", c.scale, " seed=", c.seed);
  }

  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    std::vector<From> x(static_cast<size_t>(c.tokens * c.width));
    for (From& value : x) {
      value = narrowed<From>(c.scale * random.normal());
      // Every eighth float lies half way between two halves.
      if constexpr (std::is_same_v<From, float>) {
        const f16 below = to_f16(double{value});
        if (random.below(8) == 0 && (below.bits & 0x7FFFu) < 0x7BFF)
          value = (to_float(below) + to_float(f16{static_cast<uint16_t>(below.bits + 1)})) / 2;
      }
    }
    return {given<From>("x", {c.tokens, c.width}, std::span<const From>(x)),
            written<To>("y", {c.tokens, c.width})};
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) {
    std::vector<To> y(static_cast<size_t>(c.tokens * c.width));
    KIGO_TRY((reference::convert<From, To>(
        {.x = {elements<From>(in[0]).data(), {c.tokens, c.width}}, .y = {y.data(), {c.tokens, c.width}}})));
    return Outputs{widened(TypeOf<To>::type, std::as_bytes(std::span(y)))};
  }

  /// Equal values: the rounding is exact on both sides.
  static Outputs bound(const Case&, std::span<const Tensor>, const Outputs&) { return {{}}; }

  static Status kernel(const Case&, std::span<const Placed> at, kernels::Stream stream) {
    return kernels::convert<From, To>({.x = at[0].view<const From, 2>(), .y = at[1].view<To, 2>()}, stream);
  }

  static std::vector<Mutant<Case>> mutants() {
    const auto with = [](double (*y)(double)) {
      return [y](const Case& c, std::span<const Tensor> in) -> Result<Outputs> {
        KIGO_ASSIGN(Outputs out, reference(c, in));
        const std::vector<double> x = widened(in[0]);
        for (size_t i = 0; i < x.size(); ++i) {
          if (std::isfinite(out[0][i])) out[0][i] = y(x[i]);
        }
        return out;
      };
    };
    if constexpr (std::is_same_v<To, float>) {
      return {{"flushes subnormals to zero", with([](double x) { return std::abs(x) < 0x1p-14 ? 0 : x; })},
              {"loses the sign", with([](double x) { return std::abs(x); })}};
    } else {
      return {{"cuts instead of rounding", with([](double x) {
                 const double half = to_float(to_f16(x));
                 return std::abs(half) <= std::abs(x)
                            ? half
                            : to_float(f16{static_cast<uint16_t>(to_f16(x).bits - 1)});
               })},
              {"rounds through bf16",
               with([](double x) { return double{to_float(to_bf16(static_cast<float>(x)))}; })},
              {"flushes subnormals to zero",
               with([](double x) { return std::abs(x) < 0x1p-14 ? 0 : double{to_float(to_f16(x))}; })}};
    }
  }
  static Cost cost(const Case& c) {
    return {.bytes = static_cast<double>(c.tokens * c.width) * (sizeof(From) + sizeof(To)), .flops = 0};
  }

 private:
  static constexpr std::array<int64_t, 2> kTiles{256, 1024};
};

using ConvertPairs = PairList<Convert<float, f16>, Convert<f16, float>>;

}  // namespace kigo::pairs
