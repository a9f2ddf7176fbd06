// min_p on both sides.
#pragma once

#include "core/compare/close.h"
#include "kernels/min_p.h"
#include "kernels/sampling_workspace.h"
#include "reference/min_p.h"
#include "tests/pairs/logits.h"

namespace kigo::pairs {

struct MinP {
  using Case = LogitsCase;                                                         // parameter: min_p
  static constexpr compare::NonFinite non_finite = compare::NonFinite::as_wanted;  // -inf

  static std::string name() { return "min_p"; }
  static Case arbitrary(const Draw& draw) {
    return draw_logits(draw, std::array<double, 5>{0.05f, 0.5f, 0, 1, 1e-6f});
  }
  static std::vector<Case> edges() {
    return {{1, 1, Logits::drawn, 2, 0.05f},       {9, 1023, Logits::drawn, 2, 0.05f},
            {2, 1025, Logits::tied, 2, 1},         {3, 2000, Logits::filtered, 2, 0},
            {3, 2000, Logits::filtered, 2, 1e-6f}, {1, 151936, Logits::drawn, 2, 0.01f},
            {2, 2000, Logits::drawn, 400, 0.05f},  {0, 64, Logits::drawn, 2, 0.5f}};
  }
  static std::vector<Case> bench() { return {{1, 151936, Logits::drawn, 2, 0.05f}}; }
  static std::string text(const Case& c) { return text_of(c); }

  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    return {decided(c, drawn_logits<double>(c, random)), written<double>("y", {c.rows, c.width}),
            scratch<uint64_t>("workspace", {kernels::row_workspace(c.rows, c.width)})};
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) {
    const std::vector<double> x = widened(in[0]);
    std::vector<double> y(x.size());
    KIGO_TRY(reference::min_p({.x = {x.data(), {c.rows, c.width}},
                               .y = {y.data(), {c.rows, c.width}},
                               .workspace = {},
                               .min_p = static_cast<float>(c.parameter)}));
    return Outputs{y};
  }

  /// Equal values: arguments() gives logits where rounding decides nothing.
  static Outputs bound(const Case&, std::span<const Tensor>, const Outputs&) { return {{}}; }

  static Status kernel(const Case& c, std::span<const Placed> at, kernels::Stream stream) {
    return kernels::min_p({.x = at[0].view<const double, 2>(),
                           .y = at[1].view<double, 2>(),
                           .workspace = at[2].view<uint64_t, 1>(),
                           .min_p = static_cast<float>(c.parameter)},
                          stream);
  }

  static std::vector<Mutant<Case>> mutants() {
    const auto with = [](bool (*keep)(double weight, double total, double min_p)) {
      return [keep](const Case& c, std::span<const Tensor> in) -> Result<Outputs> {
        return filtered(c, widened(in[0]), [&](std::span<const double> row) {
          double total = 0;
          const double largest = std::ranges::max(row);
          for (const double x : row) total += std::exp(x - largest);
          std::vector<bool> stays;
          for (const double x : row) stays.push_back(keep(std::exp(x - largest), total, c.parameter));
          return stays;
        });
      };
    };
    return {{"compares with the probability",
             with([](double weight, double total, double p) { return weight / total >= p; })},
            {"drops what is equal", with([](double weight, double, double p) { return weight > p; })},
            {"keeps the rest", with([](double weight, double, double p) { return weight < p; })}};
  }
  static Cost cost(const Case& c) {
    return {.bytes = 16 * static_cast<double>(c.rows * c.width),
            .flops = static_cast<double>(c.rows * c.width)};
  }

 private:
  /// A weight within rounding of min_p is undecided: two exponentials (2 units in the last place each) make
  /// that 2^-50 of it, and the contract 1e-12 (docs/worker.md, section 5). Such a logit is made the row's
  /// largest: e^0 is 1 on both sides.
  static Tensor decided(const Case& c, const Tensor& drawn) {
    std::vector<double> x = widened(drawn);
    for (int64_t r = 0; r < c.rows; ++r) {
      const auto row = std::span(x).subspan(static_cast<size_t>(r * c.width), static_cast<size_t>(c.width));
      const double largest = std::ranges::max(row);
      for (double& value : row) {
        const double weight = std::exp(value - largest);
        if (weight > 0 && std::abs(weight - c.parameter) <= 1e-12 * c.parameter) value = largest;
      }
    }
    return given<double>(drawn.name, drawn.shape, std::span<const double>(x));
  }
};

using MinPPairs = PairList<MinP>;

}  // namespace kigo::pairs
