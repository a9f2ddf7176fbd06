// top_p on both sides.
#pragma once

#include "core/compare/close.h"
#include "kernels/sampling_workspace.h"
#include "kernels/top_p.h"
#include "reference/top_p.h"
#include "tests/pairs/logits.h"

namespace kigo::pairs {

struct TopP {
  using Case = LogitsCase;                                                         // parameter: p
  static constexpr compare::NonFinite non_finite = compare::NonFinite::as_wanted;  // -inf

  static std::string name() { return "top_p"; }
  static Case arbitrary(const Draw& draw) {
    return draw_logits(draw, std::array<double, 6>{0.9f, 0.95f, 0.5f, 0, 1, 0.999f});
  }
  static std::vector<Case> edges() {
    return {
        {1, 1, Logits::drawn, 2, 0.5f},        {9, 1023, Logits::drawn, 2, 0.9f},
        {2, 1025, Logits::tied, 2, 0.9f},      {3, 3000, Logits::equal, 2, 0.3f},
        {3, 2000, Logits::filtered, 2, 0.95f}, {2, 2000, Logits::drawn, 400, 0.5f},  // most weights underflow
        {2, 300, Logits::drawn, 2, 0},         {2, 300, Logits::drawn, 2, 1},
        {1, 151936, Logits::drawn, 2, 0.95f},  {1, 151936, Logits::tied, 2, 0.7f},
        {0, 64, Logits::drawn, 2, 0.5f}};
  }
  static std::vector<Case> bench() { return {{1, 151936, Logits::drawn, 2, 0.95f}}; }
  static std::string text(const Case& c) { return text_of(c); }

  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    return {decided(c, drawn_logits<double>(c, random)), written<double>("y", {c.rows, c.width}),
            scratch<uint64_t>("workspace", {kernels::select_workspace(c.rows, c.width)})};
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) {
    const std::vector<double> x = widened(in[0]);
    std::vector<double> y(x.size());
    KIGO_TRY(reference::top_p({.x = {x.data(), {c.rows, c.width}},
                               .y = {y.data(), {c.rows, c.width}},
                               .workspace = {},
                               .p = static_cast<float>(c.parameter)}));
    return Outputs{y};
  }

  /// Equal values: arguments() gives logits where rounding decides nothing.
  static Outputs bound(const Case&, std::span<const Tensor>, const Outputs&) { return {{}}; }

  static Status kernel(const Case& c, std::span<const Placed> at, kernels::Stream stream) {
    return kernels::top_p({.x = at[0].view<const double, 2>(),
                           .y = at[1].view<double, 2>(),
                           .workspace = at[2].view<uint64_t, 1>(),
                           .p = static_cast<float>(c.parameter)},
                          stream);
  }

  static std::vector<Mutant<Case>> mutants() {
    return {{"leaves out the id that reaches p",
             [](const Case& c, std::span<const Tensor> in) {
               return run(c, in, [](double sum, double own, double p) { return sum + own < p; });
             }},
            {"keeps one more",
             [](const Case& c, std::span<const Tensor> in) {
               return run(c, in, [](double sum, double own, double p) { return sum - own < p; });
             }},
            {"keeps sums in half",
             [](const Case& c, std::span<const Tensor> in) {
               return run(c, in, [](double sum, double, double p) { return to_float(to_f16(sum)) < p; });
             }},
            {"takes 1 - p for p", [](const Case& c, std::span<const Tensor> in) {
               return run(c, in, [](double sum, double, double p) { return sum < 1 - p; });
             }}};
  }
  static Cost cost(const Case& c) {
    return {.bytes = 16 * static_cast<double>(c.rows * c.width),
            .flops = static_cast<double>(c.rows * c.width)};
  }

 private:
  /// The sum of the probabilities before an id within rounding of p leaves that id undecided: 2 units in the
  /// last place for either exponential, and for the twin's serial sum of n probabilities n u of it, together
  /// below (n + 8) 2^-53; the kernel's rounding to 2^-62 adds n 2^-63; the contract says at least 1e-12
  /// (docs/worker.md, section 5). In such a row the heaviest goes up by 1/8 until no id is undecided, at the
  /// latest when it has p for itself. p = 1 keeps all, whatever the sum.
  static Tensor decided(const Case& c, const Tensor& drawn) {
    if (c.parameter == 1) return drawn;
    std::vector<double> x = widened(drawn);
    const double slack = std::max(1e-12, (static_cast<double>(c.width) + 8) * (0x1p-53 + 0x1p-63));
    for (int64_t r = 0; r < c.rows; ++r) {
      const auto row = std::span(x).subspan(static_cast<size_t>(r * c.width), static_cast<size_t>(c.width));
      const std::vector<size_t> order = columns_in_order(row);
      while (has_border(row, order, c.parameter, slack)) row[order[0]] += 0.125;
    }
    return given<double>(drawn.name, drawn.shape, std::span<const double>(x));
  }
  /// Whether a sum of the probabilities of the first ids, but not of all, is within `slack` of p.
  static bool has_border(std::span<const double> row, std::span<const size_t> order, double p, double slack) {
    double total = 0, sum = 0;
    for (const size_t i : order) total += std::exp(row[i] - row[order[0]]);
    for (size_t n = 0; n + 1 < order.size(); ++n) {
      sum += std::exp(row[order[n]] - row[order[0]]) / total;
      if (std::abs(sum - p) <= slack) return true;
    }
    return false;
  }
  /// keep(sum of the probabilities before, own probability, p); the first id always stays.
  static Result<Outputs> run(const Case& c, std::span<const Tensor> in,
                             bool (*keep)(double, double, double)) {
    return filtered(c, widened(in[0]), [&](std::span<const double> row) {
      const std::vector<size_t> order = columns_in_order(row);
      double total = 0, sum = 0;
      for (const double x : row) total += std::exp(x - row[order[0]]);
      std::vector<bool> stays(row.size());
      for (size_t n = 0; n < order.size(); ++n) {
        const double own = std::exp(row[order[n]] - row[order[0]]) / total;
        stays[order[n]] = n == 0 || keep(sum, own, c.parameter);
        sum += own;
      }
      return stays;
    });
  }
};

using TopPPairs = PairList<TopP>;

}  // namespace kigo::pairs
