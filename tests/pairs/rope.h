// rope on both sides.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/cat.h"
#include "kernels/rope.h"
#include "reference/rope.h"
#include "tests/pairs/data.h"
#include "tests/pairs/pair.h"

namespace kigo::pairs {

/// T = float, f16, bf16.
template <class T>
struct Rope {
  struct Case {
    int64_t tokens = 1;
    int64_t heads = 1;
    int64_t head_dim = 2;
    int64_t rope_dims = 2;
    int64_t position = 0;  // of the first token; the next is one more
    ops::Pairing pairing = ops::Pairing::halves;
    float base = 10000;
    float factor = 1;
    bool divided = false;  // with a divisor for each pair
    double scale = 1;
    uint64_t seed = 1;
  };

  static std::string name() { return cat("rope_", type_name<T>()); }
  static Case arbitrary(const Draw& draw) {
    const int64_t head_dim = std::max<int64_t>(2, draw_size(draw, 256));
    const int64_t rope_dims = draw(0, 1) == 0 ? head_dim / 2 * 2 : 2 * draw(1, head_dim / 2);
    const int64_t position = draw(0, 3) == 0 ? draw(0, (int64_t{1} << 31) - 1000) : draw(0, 40000);
    return {draw_size(draw, 9),
            draw_size(draw, 40, kHeads),
            head_dim,
            rope_dims,
            position,
            static_cast<ops::Pairing>(draw(0, 1)),
            draw(0, 1) == 0 ? 10000.0f : 1e6f,
            draw(0, 2) == 0 ? 4.0f : 1.0f,
            draw(0, 2) == 0,
            std::min(draw_scale(draw), 1e3),  // halves end at 65504
            draw_seed(draw)};
  }
  static std::vector<Case> edges() {
    using enum ops::Pairing;
    return {{1, 1, 2, 2},
            {1, 14, 64, 64, 100, halves, 1e6f},
            {9, 7, 64, 64, 15, halves, 1e6f},
            {3, 9, 128, 128, 40000, neighbours},
            {2, 32, 96, 96, 16, halves},
            {2, 8, 80, 32, 17, halves},
            {2, 8, 80, 32, 17, neighbours},
            {3, 2, 128, 128, 131072, halves, 1e6f, 4},
            {3, 2, 128, 128, (int64_t{1} << 31) - 3, halves, 1e6f},
            {5, 3, 33, 6, 3, neighbours, 10000, 1, false, 100},
            {3, 9, 128, 128, 8000, neighbours, 5e5f, 1, true},
            {2, 3, 80, 32, 17, halves, 10000, 4, true},
            {0, 2, 64, 64}};
  }
  static std::vector<Case> bench() {
    return {{1, 14, 64, 64, 600},
            {512, 14, 64, 64, 0},
            {1, 28, 128, 128, 600},
            {2048, 28, 128, 128, 0},
            {2048, 32, 128, 128, 0, ops::Pairing::neighbours, 5e5f, 1, true}};
  }
  static std::string text(const Case& c) {
    return cat("tokens=", c.tokens, " heads=", c.heads, " head_dim=", c.head_dim, " rope_dims=", c.rope_dims,
               " position=", c.position, " pairing=", static_cast<int>(c.pairing), " base=", c.base,
               " factor=", c.factor, " divided=", c.divided ? 1 : 0, " scale=", c.scale, " seed=", c.seed);
  }

  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    std::vector<int64_t> positions;
    for (int64_t t = 0; t < c.tokens; ++t) positions.push_back(c.position + t);
    std::vector<Tensor> tensors = {
        drawn<T>("x", {c.tokens, c.heads, c.head_dim}, c.scale, random),
        given<int64_t>("positions", {c.tokens}, std::span<const int64_t>(positions)),
        written<T>("y", {c.tokens, c.heads, c.head_dim})};
    if (c.divided) tensors.push_back(drawn_divisors("divisors", c.rope_dims / 2, random));
    return tensors;
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) {
    return run(c, in, divisors(c, in));
  }

  /// Both sides make the angle from the same double operations but for pow, which is off by at most 2 units
  /// in the last place there (CUDA programming guide) and 1 here: 6 u64 of the angle, with the product. The
  /// two sides divide by the divisor at different places: 1 u64 each. Sine and cosine move by at most as much
  /// as the angle, and are rounded to float (1 u, with the double's own error). Each product rounds once, the
  /// sum once: |a| + |b| times (3 u + 8 u64 angle), before the rounding to T.
  /// Elements beyond rope_dims are copied.
  static Outputs bound(const Case& c, std::span<const Tensor> in, const Outputs& truth) {
    const std::vector<double> x = widened(in[0]);
    const std::vector<float> divided = divisors(c, in);
    Outputs bounds = truth;
    std::ranges::fill(bounds[0], 0.0);
    for (int64_t t = 0; t < c.tokens; ++t) {
      for (int64_t h = 0; h < c.heads; ++h) {
        for (int64_t i = 0; i < c.rope_dims / 2; ++i) {
          const auto [first, second] = pair_of(c, t, h, i);
          const double angle =
              static_cast<double>(c.position + t) / double{c.factor} *
              std::pow(double{c.base}, -2.0 * static_cast<double>(i) / static_cast<double>(c.rope_dims)) /
              (c.divided ? double{divided[static_cast<size_t>(i)]} : 1);
          const double moved = 1.01 * (3 * compare::kUnitFloat + 8 * compare::kUnitDouble * angle) *
                                   (std::abs(x[first]) + std::abs(x[second])) +
                               0x1p-148;
          for (const size_t at : {first, second}) {
            // A float result is the sum itself, whose rounding is counted above.
            bounds[0][at] = std::is_same_v<T, float> ? moved : rounded_bound_absolute<T>(moved, truth[0][at]);
          }
        }
      }
    }
    return bounds;
  }

  static Status kernel(const Case& c, std::span<const Placed> at, kernels::Stream stream) {
    return kernels::rope<T>(
        {.x = at[0].view<const T, 3>(),
         .positions = at[1].view<const int64_t, 1>(),
         .y = at[2].view<T, 3>(),
         .pairing = c.pairing,
         .rope_dims = c.rope_dims,
         .base = c.base,
         .factor = c.factor,
         .divisors = c.divided ? at[3].view<const float, 1>() : View<const float, 1, Space::Device>()},
        stream);
  }

  static std::vector<Mutant<Case>> mutants() {
    const auto with = [](auto change) {
      return [change](const Case& c, std::span<const Tensor> in) {
        Case other = c;
        change(other);
        return run(other, in, divisors(c, in));
      };
    };
    const auto with_divisors = [](auto change) {
      return [change](const Case& c, std::span<const Tensor> in) {
        std::vector<float> changed = divisors(c, in);
        change(changed);
        return run(c, in, changed);
      };
    };
    return {{"pairs the other way", with([](Case& c) {
               c.pairing =
                   c.pairing == ops::Pairing::halves ? ops::Pairing::neighbours : ops::Pairing::halves;
             })},
            {"forgets the factor", with([](Case& c) { c.factor = c.factor == 1 ? 2 : 1; })},
            {"takes another base", with([](Case& c) { c.base = c.base == 10000 ? 1e6f : 10000; })},
            {"forgets the divisors", with_divisors([](std::vector<float>& all) { all.clear(); })},
            {"multiplies by the divisors", with_divisors([](std::vector<float>& all) {
               for (float& each : all) each = 1 / each;
             })},
            {"takes the divisor of the next pair", with_divisors([](std::vector<float>& all) {
               if (!all.empty()) std::ranges::rotate(all, all.begin() + 1);
             })},
            {"turns one position too far",
             [](const Case& c, std::span<const Tensor> in) { return run(c, in, divisors(c, in), 1); }},
            {"turns backwards",
             [](const Case& c, std::span<const Tensor> in) -> Result<Outputs> {
               KIGO_ASSIGN(Outputs out, run(c, in, divisors(c, in)));
               const std::vector<double> x = widened(in[0]);
               for_pairs(c, [&](size_t first, size_t second) {
                 // a cos + b sin = 2 a cos - (a cos - b sin), and so on, from the right turn.
                 const double norm = x[first] * x[first] + x[second] * x[second];
                 const double cosine = (x[first] * out[0][first] + x[second] * out[0][second]) / norm;
                 out[0][first] = 2 * x[first] * cosine - out[0][first];
                 out[0][second] = 2 * x[second] * cosine - out[0][second];
               });
               return out;
             }},
            {"makes the angle in float", [](const Case& c, std::span<const Tensor> in) {
               std::vector<double> y = widened(in[0]);
               const std::vector<float> divided = divisors(c, in);
               for (int64_t t = 0; t < c.tokens; ++t) {
                 for (int64_t h = 0; h < c.heads; ++h) {
                   for (int64_t i = 0; i < c.rope_dims / 2; ++i) {
                     const auto [first, second] = pair_of(c, t, h, i);
                     const float angle =
                         static_cast<float>(c.position + t) / c.factor *
                         std::pow(c.base, -2.0f * static_cast<float>(i) / static_cast<float>(c.rope_dims)) /
                         (c.divided ? divided[static_cast<size_t>(i)] : 1);
                     const double a = y[first], b = y[second];
                     y[first] = a * std::cos(double{angle}) - b * std::sin(double{angle});
                     y[second] = a * std::sin(double{angle}) + b * std::cos(double{angle});
                   }
                 }
               }
               return Result<Outputs>(Outputs{y});
             }}};
  }
  static Cost cost(const Case& c) {
    const double elements = static_cast<double>(c.tokens * c.heads * c.head_dim);
    const int64_t divisors = c.divided ? c.rope_dims / 2 : 0;
    return {.bytes = 2 * elements * sizeof(T) + static_cast<double>(8 * c.tokens + 4 * divisors),
            .flops = 3 * static_cast<double>(c.tokens * c.heads * c.rope_dims)};
  }

 private:
  static constexpr std::array<int64_t, 2> kHeads{8, 16};

  struct PairAt {
    size_t first, second;
  };
  static PairAt pair_of(const Case& c, int64_t t, int64_t h, int64_t i) {
    const int64_t head = (t * c.heads + h) * c.head_dim;
    const bool halves = c.pairing == ops::Pairing::halves;
    return {static_cast<size_t>(head + (halves ? i : 2 * i)),
            static_cast<size_t>(head + (halves ? i + c.rope_dims / 2 : 2 * i + 1))};
  }
  template <class Use>
  static void for_pairs(const Case& c, Use use) {
    for (int64_t t = 0; t < c.tokens; ++t) {
      for (int64_t h = 0; h < c.heads; ++h) {
        for (int64_t i = 0; i < c.rope_dims / 2; ++i) {
          const PairAt at = pair_of(c, t, h, i);
          use(at.first, at.second);
        }
      }
    }
  }

  static std::vector<float> divisors(const Case& c, std::span<const Tensor> in) {
    return c.divided ? floats(in[3]) : std::vector<float>();
  }

  /// Without divisors when there are none.
  static Result<Outputs> run(const Case& c, std::span<const Tensor> in, const std::vector<float>& divisors,
                             int64_t too_far = 0) {
    const std::vector<double> x = widened(in[0]);
    std::vector<int64_t> positions = ints(in[1]);
    for (int64_t& position : positions) position = std::min<int64_t>(position + too_far, INT32_MAX);
    std::vector<double> y(x.size());
    KIGO_TRY(reference::rope<double>({.x = {x.data(), {c.tokens, c.heads, c.head_dim}},
                                      .positions = {positions.data(), {c.tokens}},
                                      .y = {y.data(), {c.tokens, c.heads, c.head_dim}},
                                      .pairing = c.pairing,
                                      .rope_dims = c.rope_dims,
                                      .base = c.base,
                                      .factor = c.factor,
                                      .divisors = row_of(divisors)}));
    return Outputs{y};
  }
};

using RopePairs = PairList<Rope<float>, Rope<f16>, Rope<bf16>>;

}  // namespace kigo::pairs
