// argmax on both sides.
#pragma once

#include <array>
#include <cmath>
#include <limits>

#include "core/base/cat.h"
#include "kernels/argmax.h"
#include "reference/argmax.h"
#include "tests/pairs/data.h"
#include "tests/pairs/pair.h"

namespace kigo::pairs {

/// T = float, f16, bf16.
template <class T>
struct Argmax {
  /// What the rows hold besides drawn numbers.
  enum class Rows : uint8_t { drawn, tied, zeros, with_nan, all_nan, minus_infinity };
  struct Case {
    int64_t rows = 1;
    int64_t width = 1;
    Rows kind = Rows::drawn;
    uint64_t seed = 1;
  };

  static std::string name() { return cat("argmax_", type_name<T>()); }
  static Case arbitrary(const Draw& draw) {
    return {draw_size(draw, 9), draw_size(draw, 5000, kThreads), static_cast<Rows>(draw(0, 5)),
            draw_seed(draw)};
  }
  static std::vector<Case> edges() {
    std::vector<Case> cases = {{1, 1}, {9, 896}, {3, 1023}, {3, 1025}, {2, 151936}, {0, 64}};
    for (const Rows kind : {Rows::tied, Rows::zeros, Rows::with_nan, Rows::all_nan, Rows::minus_infinity})
      cases.push_back({4, 2100, kind});
    return cases;
  }
  static std::vector<Case> bench() { return {{1, 151936}, {8, 151936}}; }
  static std::string text(const Case& c) {
    return cat("rows=", c.rows, " width=", c.width, " kind=", static_cast<int>(c.kind), " seed=", c.seed);
  }

  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    std::vector<T> x(static_cast<size_t>(c.rows * c.width));
    for (T& value : x) value = narrowed<T>(element(c.kind, random));
    if (c.kind == Rows::drawn && !x.empty()) x.back() = narrowed<T>(9);  // the last column of the last row
    return {given<T>("x", {c.rows, c.width}, std::span<const T>(x)), written<uint32_t>("ids", {c.rows})};
  }
  static std::vector<Free> free() { return {{"x", Free::What::size, 1, "no other argument has the width"}}; }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) {
    const std::vector<double> x = widened(in[0]);
    std::vector<uint32_t> ids(static_cast<size_t>(c.rows));
    KIGO_TRY(reference::argmax<double>({.x = {x.data(), {c.rows, c.width}}, .ids = {ids.data(), {c.rows}}}));
    return Outputs{{ids.begin(), ids.end()}};
  }

  /// Equal ids: nothing is rounded.
  static Outputs bound(const Case&, std::span<const Tensor>, const Outputs&) { return {{}}; }

  static Status kernel(const Case&, std::span<const Placed> at, kernels::Stream stream) {
    return kernels::argmax<T>({.x = at[0].view<const T, 2>(), .ids = at[1].view<uint32_t, 1>()}, stream);
  }

  static std::vector<Mutant<Case>> mutants() {
    return {
        {"takes the highest of equal ids",
         [](const Case& c, std::span<const Tensor> in) {
           return run(c, in, [](double x, double best) { return x >= best; });
         }},
        {"puts +0 above -0",
         [](const Case& c, std::span<const Tensor> in) {
           return run(c, in, [](double x, double best) {
             return x > best || (x == best && std::signbit(best) && !std::signbit(x));
           });
         }},
        {"takes the magnitude",
         [](const Case& c, std::span<const Tensor> in) {
           return run(c, in, [](double x, double best) { return std::abs(x) > std::abs(best); });
         }},
        {"takes NaN for the largest",
         [](const Case& c, std::span<const Tensor> in) {
           return run(c, in, [](double x, double best) { return !(x <= best) && !std::isnan(best); });
         }},
        {"does not see the last column", [](const Case& c, std::span<const Tensor> in) -> Result<Outputs> {
           KIGO_ASSIGN(Outputs ids, reference(c, in));
           for (double& id : ids[0]) id = id + 1 == static_cast<double>(c.width) ? 0 : id;
           return ids;
         }}};
  }
  static Cost cost(const Case& c) {
    const double elements = static_cast<double>(c.rows * c.width);
    return {.bytes = elements * sizeof(T) + 4.0 * static_cast<double>(c.rows), .flops = elements};
  }

 private:
  static constexpr std::array<int64_t, 2> kThreads{32, 1024};

  static double element(Rows kind, Random& random) {
    switch (kind) {
      case Rows::tied:
        return static_cast<double>(random.below(5));
      case Rows::zeros:
        return random.below(2) == 0 ? -0.0 : 0.0;
      case Rows::with_nan:
        return random.below(3) == 0 ? std::numeric_limits<double>::quiet_NaN() : random.normal();
      case Rows::all_nan:
        return std::numeric_limits<double>::quiet_NaN();
      case Rows::minus_infinity:
        return -std::numeric_limits<double>::infinity();
      case Rows::drawn:
        break;
    }
    return random.normal();
  }

  static Result<Outputs> run(const Case& c, std::span<const Tensor> in,
                             bool (*better)(double x, double best)) {
    const std::vector<double> x = widened(in[0]);
    std::vector<double> ids;
    for (int64_t r = 0; r < c.rows; ++r) {
      const double* row = x.data() + r * c.width;
      int64_t best = 0;
      for (int64_t i = 1; i < c.width; ++i) {
        if (better(row[i], row[best])) best = i;
      }
      ids.push_back(static_cast<double>(best));
    }
    return Outputs{ids};
  }
};

using ArgmaxPairs = PairList<Argmax<float>, Argmax<f16>, Argmax<bf16>>;

}  // namespace kigo::pairs
