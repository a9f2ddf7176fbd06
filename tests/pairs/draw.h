// draw on both sides.
#pragma once

#include "core/sample/philox.h"
#include "kernels/draw.h"
#include "kernels/sampling_workspace.h"
#include "reference/draw.h"
#include "tests/pairs/logits.h"

namespace kigo::pairs {

struct DrawOne {
  using Case = LogitsCase;  // parameter: u of the first row; the other rows' are drawn

  static std::string name() { return "draw"; }
  static Case arbitrary(const Draw& draw) {
    return draw_logits(draw, std::array<double, 4>{0.5, 0, 0.999, kLast});
  }
  static std::vector<Case> edges() {
    return {{1, 1, Logits::drawn, 2, 0.5},      {9, 1023, Logits::drawn, 2, 0.9},
            {64, 1025, Logits::tied, 2, 0.1},   {16, 3000, Logits::equal, 2, 0.3},
            {16, 2000, Logits::filtered, 2, 0}, {16, 2000, Logits::filtered, 2, kLast},
            {8, 2000, Logits::drawn, 400, 0.5}, {4, 151936, Logits::drawn, 2, 0.95},
            {0, 64, Logits::drawn, 2, 0.5}};
  }
  static std::vector<Case> bench() { return {{1, 151936, Logits::drawn, 2, 0.5}}; }
  static std::string text(const Case& c) { return text_of(c); }

  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    std::vector<double> u{c.parameter};
    for (int64_t r = 1; r < c.rows; ++r) u.push_back(sample::uniform(c.seed, static_cast<uint64_t>(r)));
    u.resize(static_cast<size_t>(c.rows));
    Tensor x = drawn_logits<double>(c, random);
    const std::vector<double> values = widened(x);
    for (int64_t r = 0; r < c.rows; ++r) {
      double& number = u[static_cast<size_t>(r)];
      number = decided(row_of(c, values, r), number);
    }
    return {std::move(x), given<double>("u", {c.rows}, std::span<const double>(u)),
            written<uint32_t>("ids", {c.rows}),
            scratch<uint64_t>("workspace", {kernels::row_workspace(c.rows, c.width)})};
  }
  static std::vector<Free> free() { return {{"x", Free::What::size, 1, "no other argument has the width"}}; }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) {
    const std::vector<double> x = widened(in[0]), u = widened(in[1]);
    std::vector<uint32_t> ids(static_cast<size_t>(c.rows));
    KIGO_TRY(reference::draw({.x = {x.data(), {c.rows, c.width}},
                              .u = {u.data(), {c.rows}},
                              .ids = {ids.data(), {c.rows}},
                              .workspace = {}}));
    return Outputs{{ids.begin(), ids.end()}};
  }

  /// Equal ids: arguments() gives numbers where rounding decides nothing.
  static Outputs bound(const Case&, std::span<const Tensor>, const Outputs&) { return {{}}; }

  static Status kernel(const Case&, std::span<const Placed> at, kernels::Stream stream) {
    return kernels::draw({.x = at[0].view<const double, 2>(),
                          .u = at[1].view<const double, 1>(),
                          .ids = at[2].view<uint32_t, 1>(),
                          .workspace = at[3].view<uint64_t, 1>()},
                         stream);
  }

  static std::vector<Mutant<Case>> mutants() {
    return {{"takes the id after",
             [](const Case& c, std::span<const Tensor> in) -> Result<Outputs> {
               KIGO_ASSIGN(Outputs out, reference(c, in));
               for (double& id : out[0]) ++id;
               return out;
             }},
            {"takes ids without weight",
             [](const Case& c, std::span<const Tensor> in) {
               return run(c, in, [](double sum, double limit) { return sum >= limit; });
             }},
            {"keeps sums in half",
             [](const Case& c, std::span<const Tensor> in) {
               return run(c, in, [](double sum, double limit) {
                 return to_float(to_bf16(static_cast<float>(sum))) > limit;
               });
             }},
            {"draws with the number of another row", [](const Case& c, std::span<const Tensor> in) {
               std::vector<double> u = widened(in[1]);
               std::ranges::reverse(u);
               std::vector<Tensor> other(in.begin(), in.end());
               other[1] = given<double>("u", {c.rows}, std::span<const double>(u));
               return reference(c, other);
             }}};
  }
  static Cost cost(const Case& c) {
    return {.bytes = 8 * static_cast<double>(c.rows * c.width) + 12 * static_cast<double>(c.rows),
            .flops = 2 * static_cast<double>(c.rows * c.width)};
  }

 private:
  static constexpr double kLast = 1 - 0x1p-53;  // the largest number that is drawn

  struct Running {
    explicit Running(std::span<const double> row) {
      const double largest = std::ranges::max(row);
      double all = 0;
      for (const double x : row) sum.push_back(all += std::exp(x - largest));
    }
    std::vector<double> sum;
  };

  /// u, or a number nearby where it is undecided: u * total within rounding of a running sum that is the
  /// border between two ids with a weight. The exponentials (2 units in the last place on either side) and
  /// sums of n terms make that (2 n + 16) 2^-53 of the total, and the contract at least 1e-12
  /// (docs/worker.md, section 5). A sum of zero is exact and no border. Nearby is the middle of the id that u
  /// falls on or, where that is too light to have one, of the heaviest.
  static double decided(std::span<const double> row, double u) {
    const Running running(row);
    const std::vector<double>& sum = running.sum;
    const double largest = std::ranges::max(row), total = sum.back(), limit = u * total;
    const double slack = std::max(1e-12, (2 * static_cast<double>(row.size()) + 16) * 0x1p-53) * total;
    size_t last = row.size() - 1;  // with a weight
    while (std::exp(row[last] - largest) == 0) --last;
    const auto is_border = [&](double border) { return border > 0 && std::abs(border - limit) <= slack; };
    if (std::none_of(sum.begin(), sum.begin() + static_cast<std::ptrdiff_t>(last), is_border)) return u;
    size_t at = 0;
    while (at < last && sum[at] <= limit) ++at;
    double weight = std::exp(row[at] - largest);
    if (weight < 8 * slack) {
      at = static_cast<size_t>(std::ranges::max_element(row) - row.begin());
      weight = 1;
    }
    return (sum[at] - weight / 2) / total;
  }
  static Result<Outputs> run(const Case& c, std::span<const Tensor> in,
                             bool (*reached)(double sum, double limit)) {
    const std::vector<double> x = widened(in[0]), u = widened(in[1]);
    std::vector<double> ids;
    for (int64_t r = 0; r < c.rows; ++r) {
      const Running running(row_of(c, x, r));
      const double limit = u[static_cast<size_t>(r)] * running.sum.back();
      size_t id = 0;
      while (id + 1 < running.sum.size() && !reached(running.sum[id], limit)) ++id;
      ids.push_back(static_cast<double>(id));
    }
    return Outputs{ids};
  }
};

using DrawPairs = PairList<DrawOne>;

}  // namespace kigo::pairs
