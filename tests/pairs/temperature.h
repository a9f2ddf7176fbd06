// temperature on both sides.
#pragma once

#include "core/compare/close.h"
#include "kernels/temperature.h"
#include "reference/temperature.h"
#include "tests/pairs/logits.h"

namespace kigo::pairs {

struct Temperature {
  using Case = LogitsCase;  // parameter: the temperature
  static constexpr compare::NonFinite non_finite = compare::NonFinite::as_wanted;  // -inf

  static std::string name() { return "temperature"; }
  static Case arbitrary(const Draw& draw) {
    return draw_logits(draw, std::array<double, 4>{0.7f, 1, 2, 1e-30f});
  }
  static std::vector<Case> edges() {
    return {{1, 1, Logits::drawn, 2, 0.7f},
            {9, 1023, Logits::drawn, 2, 0.8f},
            {2, 1025, Logits::filtered, 2, 1e-30f},
            {1, 151936, Logits::drawn, 2, 0.7f},
            {0, 64, Logits::drawn, 2, 1}};
  }
  static std::vector<Case> bench() { return {{1, 151936, Logits::drawn, 2, 0.7f}}; }
  static std::string text(const Case& c) { return text_of(c); }

  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    return {drawn_logits<float>(c, random), written<double>("y", {c.rows, c.width})};
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) {
    std::vector<double> y(static_cast<size_t>(c.rows * c.width));
    KIGO_TRY(reference::temperature({.x = {elements<float>(in[0]).data(), {c.rows, c.width}},
                                     .y = {y.data(), {c.rows, c.width}},
                                     .temperature = static_cast<float>(c.parameter)}));
    return Outputs{y};
  }
  /// Equal values: a division of doubles is rounded correctly on both sides.
  static Outputs bound(const Case&, std::span<const Tensor>, const Outputs&) { return {{}}; }
  static Status kernel(const Case& c, std::span<const Placed> at, kernels::Stream stream) {
    return kernels::temperature({.x = at[0].view<const float, 2>(),
                                 .y = at[1].view<double, 2>(),
                                 .temperature = static_cast<float>(c.parameter)},
                                stream);
  }

  static std::vector<Mutant<Case>> mutants() {
    const auto with = [](double (*y)(double x, double t)) {
      return [y](const Case& c, std::span<const Tensor> in) -> Result<Outputs> {
        std::vector<double> out = widened(in[0]);
        for (double& x : out) x = y(x, c.parameter);
        return Outputs{out};
      };
    };
    return {{"rounds to float", with([](double x, double t) { return double{static_cast<float>(x / t)}; })},
            {"multiplies by the reciprocal", with([](double x, double t) { return x * (1 / t); })},
            {"multiplies", with([](double x, double t) { return x * t; })}};
  }
  static Cost cost(const Case& c) {
    const auto elements = static_cast<double>(c.rows * c.width);
    return {.bytes = 12 * elements, .flops = elements};
  }
};

using TemperaturePairs = PairList<Temperature>;

}  // namespace kigo::pairs
