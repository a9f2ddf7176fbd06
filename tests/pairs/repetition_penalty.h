// repetition_penalty on both sides.
#pragma once

#include "core/compare/close.h"
#include "kernels/repetition_penalty.h"
#include "reference/repetition_penalty.h"
#include "tests/pairs/logits.h"

namespace kigo::pairs {

struct RepetitionPenalty {
  struct Case : LogitsCase {  // parameter: the penalty
    int64_t history = 0;
  };
  static constexpr compare::NonFinite non_finite = compare::NonFinite::as_wanted;  // -inf

  static std::string name() { return "repetition_penalty"; }
  static Case arbitrary(const Draw& draw) {
    return {draw_logits(draw, std::array<double, 3>{1.1f, 0.5f, 2}), draw(0, 300)};
  }
  static std::vector<Case> edges() {
    return {{{1, 1, Logits::drawn, 2, 1.1f}, 3},       {{9, 1023, Logits::drawn, 2, 1.3f}, 200},
            {{2, 1025, Logits::filtered, 2, 0.5f}, 5}, {{1, 151936, Logits::drawn, 2, 1.1f}, 5000},
            {{2, 100, Logits::tied, 2, 1.1f}, 0},      {{0, 64, Logits::drawn, 2, 1.1f}, 7}};
  }
  static std::vector<Case> bench() { return {{{1, 151936, Logits::drawn, 2, 1.1f}, 2048}}; }
  static std::string text(const Case& c) { return cat(text_of(c), " history=", c.history); }

  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    return {drawn_logits<double>(c, random),
            drawn_between<uint32_t>("history", {c.history}, 0, c.width - 1, random),
            written<double>("y", {c.rows, c.width})};
  }
  static std::vector<Free> free() { return {{"history", Free::What::size, 0, "a history has any length"}}; }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) {
    const std::vector<double> x = widened(in[0]);
    std::vector<double> y(x.size());
    KIGO_TRY(reference::repetition_penalty({.x = {x.data(), {c.rows, c.width}},
                                            .history = {elements<uint32_t>(in[1]).data(), {c.history}},
                                            .y = {y.data(), {c.rows, c.width}},
                                            .penalty = static_cast<float>(c.parameter)}));
    return Outputs{y};
  }
  /// Equal values: one division or product of doubles, rounded correctly on both sides.
  static Outputs bound(const Case&, std::span<const Tensor>, const Outputs&) { return {{}}; }
  static Status kernel(const Case& c, std::span<const Placed> at, kernels::Stream stream) {
    return kernels::repetition_penalty({.x = at[0].view<const double, 2>(),
                                        .history = at[1].view<const uint32_t, 1>(),
                                        .y = at[2].view<double, 2>(),
                                        .penalty = static_cast<float>(c.parameter)},
                                       stream);
  }

  static std::vector<Mutant<Case>> mutants() {
    return {{"penalises an id each time it is there",
             [](const Case& c, std::span<const Tensor> in) {
               return run(c, in, ids(in[1]), [](double x, double r) { return x > 0 ? x / r : x * r; });
             }},
            {"divides negative logits too",
             [](const Case& c, std::span<const Tensor> in) {
               return run(c, in, distinct(in[1]), [](double x, double r) { return x / r; });
             }},
            {"forgets the last id", [](const Case& c, std::span<const Tensor> in) {
               std::vector<uint32_t> all = distinct(in[1]);
               if (!all.empty()) all.pop_back();
               return run(c, in, all, [](double x, double r) { return x > 0 ? x / r : x * r; });
             }}};
  }
  static Cost cost(const Case& c) {
    const auto elements = static_cast<double>(c.rows * c.width);
    return {.bytes = 16 * elements + 4 * static_cast<double>(c.history),
            .flops = static_cast<double>(c.history)};
  }

 private:
  static std::vector<uint32_t> distinct(const Tensor& history) {
    std::vector<uint32_t> all = ids(history);
    std::ranges::sort(all);
    all.erase(std::ranges::unique(all).begin(), all.end());
    return all;
  }
  static Result<Outputs> run(const Case& c, std::span<const Tensor> in, const std::vector<uint32_t>& history,
                             double (*penalise)(double x, double penalty)) {
    std::vector<double> y = widened(in[0]);
    for (int64_t r = 0; r < c.rows; ++r) {
      for (const uint32_t id : history) {
        double& x = y[static_cast<size_t>(r * c.width + id)];
        x = penalise(x, c.parameter);
      }
    }
    return Outputs{y};
  }
};

using RepetitionPenaltyPairs = PairList<RepetitionPenalty>;

}  // namespace kigo::pairs
