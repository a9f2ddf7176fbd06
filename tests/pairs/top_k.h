// top_k on both sides.
#pragma once

#include "core/compare/close.h"
#include "kernels/sampling_workspace.h"
#include "kernels/top_k.h"
#include "reference/top_k.h"
#include "tests/pairs/logits.h"

namespace kigo::pairs {

struct TopK {
  using Case = LogitsCase;                                                         // parameter: k
  static constexpr compare::NonFinite non_finite = compare::NonFinite::as_wanted;  // -inf

  static std::string name() { return "top_k"; }
  static Case arbitrary(const Draw& draw) {
    return draw_logits(draw, std::array<double, 6>{1, 2, 40, 1000, 0, 5000});
  }
  static std::vector<Case> edges() {
    return {{1, 1, Logits::drawn, 2, 1},          {9, 1023, Logits::drawn, 2, 40},
            {2, 1025, Logits::tied, 2, 100},      {3, 3000, Logits::equal, 2, 1500},
            {3, 2000, Logits::filtered, 2, 1000},  // more than there are above -inf
            {2, 300, Logits::tied, 2, 0},         {2, 300, Logits::tied, 2, 299},
            {2, 300, Logits::tied, 2, 300},       {1, 151936, Logits::drawn, 2, 40},
            {1, 151936, Logits::tied, 2, 50000},  {0, 64, Logits::drawn, 2, 1}};
  }
  static std::vector<Case> bench() { return {{1, 151936, Logits::drawn, 2, 40}}; }
  static std::string text(const Case& c) { return text_of(c); }

  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    return {drawn_logits<double>(c, random), written<double>("y", {c.rows, c.width}),
            scratch<uint64_t>("workspace", {kernels::select_workspace(c.rows, c.width)})};
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) {
    const std::vector<double> x = widened(in[0]);
    std::vector<double> y(x.size());
    KIGO_TRY(reference::top_k({.x = {x.data(), {c.rows, c.width}},
                               .y = {y.data(), {c.rows, c.width}},
                               .workspace = {},
                               .k = static_cast<int64_t>(c.parameter)}));
    return Outputs{y};
  }
  /// Equal values: nothing is rounded.
  static Outputs bound(const Case&, std::span<const Tensor>, const Outputs&) { return {{}}; }
  static Status kernel(const Case& c, std::span<const Placed> at, kernels::Stream stream) {
    return kernels::top_k({.x = at[0].view<const double, 2>(),
                           .y = at[1].view<double, 2>(),
                           .workspace = at[2].view<uint64_t, 1>(),
                           .k = static_cast<int64_t>(c.parameter)},
                          stream);
  }

  static std::vector<Mutant<Case>> mutants() {
    const auto with_k = [](int64_t more) {
      return [more](const Case& c, std::span<const Tensor> in) -> Result<Outputs> {
        Case other = c;
        if (c.parameter > 0) other.parameter = std::max(0.0, c.parameter + static_cast<double>(more));
        return reference(other, in);
      };
    };
    return {
        {"keeps one more", with_k(1)},
        {"keeps one less", with_k(-1)},
        {"keeps all equals of the last",
         [](const Case& c, std::span<const Tensor> in) -> Result<Outputs> {
           return filtered(c, widened(in[0]), [&](std::span<const double> row) {
             std::vector<double> order(row.begin(), row.end());
             std::ranges::sort(order, std::greater());
             const auto k = static_cast<size_t>(c.parameter);
             const double least = k == 0 || k >= row.size() ? kMinusInfinity : order[k - 1];
             std::vector<bool> stays;
             for (const double x : row) stays.push_back(x >= least);
             return stays;
           });
         }},
        {"keeps the highest ids of equals", [](const Case& c, std::span<const Tensor> in) -> Result<Outputs> {
           return filtered(c, widened(in[0]), [&](std::span<const double> row) {
             const std::vector<double> backwards(row.rbegin(), row.rend());
             const std::vector<size_t> order = columns_in_order(backwards);
             const auto k = static_cast<size_t>(c.parameter);
             std::vector<bool> stays(row.size(), k == 0);
             for (size_t n = 0; n < std::min(k, row.size()); ++n) stays[row.size() - 1 - order[n]] = true;
             return stays;
           });
         }}};
  }
  static Cost cost(const Case& c) {
    return {.bytes = 16 * static_cast<double>(c.rows * c.width), .flops = 0};
  }
};

using TopKPairs = PairList<TopK>;

}  // namespace kigo::pairs
