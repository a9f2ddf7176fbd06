// paged_attention on both sides.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/base/cat.h"
#include "kernels/paged_attention.h"
#include "reference/paged_attention.h"
#include "tests/pairs/data.h"
#include "tests/pairs/kv_append.h"
#include "tests/pairs/pair.h"

namespace kigo::pairs {

/// Cache C = float, f16; with Operands::half, C = f16.
template <class C, ops::Operands kOperands = ops::Operands::full>
struct PagedAttention {
  struct Case {
    int64_t tokens = 1;
    int64_t heads = 1;
    int64_t kv_heads = 1;
    int64_t head_dim = 64;
    int64_t position = 0;   // of the first token; the next is one more
    double scale = 1;       // of queries and keys
    int64_t room = 0;       // pages of the table beyond those that are in use
    bool shuffled = false;  // positions in any order
    uint64_t seed = 1;
  };

  static constexpr bool kHalf = kOperands == ops::Operands::half;
  static std::string name() {
    return cat(kHalf ? "paged_attention_half_" : "paged_attention_", type_name<C>());
  }
  static Case arbitrary(const Draw& draw) {
    static constexpr std::array<int64_t, 5> kDims{32, 64, 80, 96, 128};
    static constexpr std::array<double, 4> kScales{1, 0.125, 1, 3};
    const int64_t kv_heads = draw(1, 4);
    return {draw_size(draw, 40, kTokens),
            kv_heads * draw(1, 12),
            kv_heads,
            kDims[static_cast<size_t>(draw(0, 4))],
            draw_size(draw, 200, kPositions) - 1,
            kScales[static_cast<size_t>(draw(0, 3))],
            draw(0, 3),
            draw(0, 3) == 0,
            draw_seed(draw)};
  }
  static std::vector<Case> edges() {
    return {{1, 1, 1, 32, 0},
            {1, 14, 2, 64, 15},
            {1, 14, 2, 64, 16, 1, 3},
            {1, 14, 2, 64, 31},
            {1, 14, 2, 64, 32},
            {1, 14, 2, 64, 600},
            {1, 32, 8, 128, 17},
            {1, 32, 8, 96, 130, 1, 200},
            {1, 24, 2, 80, 47},                // groups of 12: two blocks of six heads
            {1, 9, 1, 32, 5},                  // a group of 9: the last warp has no head
            {1, 4, 2, 32, 2047},               // all 64 splits, one chunk each
            {1, 4, 2, 32, 2048},               // one of them has two
            {2, 4, 2, 128, 4500, 1, 5},        // every split has two or three
            {8, 14, 2, 64, 12},                // the last decode
            {9, 14, 2, 64, 12},                // the first prefill
            {5, 28, 4, 128, 40, 1, 0, true},   // decode out of order
            {40, 28, 4, 128, 40, 1, 0, true},  // prefill out of order
            {63, 1, 1, 64, 0},
            {64, 1, 1, 64, 0},
            {65, 1, 1, 64, 0},
            {70, 32, 8, 80, 30},
            {33, 6, 2, 96, 100},
            {20, 6, 3, 32, 15},
            {1, 4, 2, 64, 300, 6},  // scores beyond where exp overflows
            {12, 4, 2, 64, 300, 6},
            {1, 2, 1, 64, 500, 0.01},  // all weights alike
            {0, 14, 2, 64, 12}};
  }
  static std::vector<Case> bench() {
    return {{1, 14, 2, 64, 100, 1, 200},   {1, 14, 2, 64, 600, 1, 200},   {1, 28, 4, 128, 600, 1, 200},
            {1, 28, 4, 128, 4000, 1, 200}, {1, 28, 4, 128, 32000, 1, 40}, {512, 14, 2, 64, 0},
            {512, 28, 4, 128, 0},          {2048, 28, 4, 128, 0},         {512, 28, 4, 128, 1536}};
  }
  static std::string text(const Case& c) {
    return cat("tokens=", c.tokens, " heads=", c.heads, " kv_heads=", c.kv_heads, " head_dim=", c.head_dim,
               " position=", c.position, " scale=", c.scale, " room=", c.room, " shuffled=", c.shuffled,
               " seed=", c.seed);
  }

  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    const int64_t pages = pages_of(c);
    const std::vector<int32_t> table = drawn_table(pages, kOthers, random);
    std::vector<int64_t> positions(static_cast<size_t>(c.tokens));
    std::iota(positions.begin(), positions.end(), c.position);
    for (size_t i = positions.size(); c.shuffled && i > 1; --i)
      std::swap(positions[i - 1], positions[random.below(i)]);
    const int64_t workspace =
        kernels::paged_attention_workspace(c.tokens, c.heads, c.head_dim, pages * ops::kPagePositions);
    const int64_t tickets = kernels::paged_attention_tickets(c.tokens, c.heads);
    return {drawn<float>("q", {c.tokens, c.heads, c.head_dim}, c.scale, random),
            given<int64_t>("positions", {c.tokens}, std::span<const int64_t>(positions)),
            pool("cache.k", c, table, c.scale, random),
            pool("cache.v", c, table, 1, random),
            given<int32_t>("table", {pages}, std::span<const int32_t>(table)),
            written<float>("y", {c.tokens, c.heads, c.head_dim}),
            scratch<float>("workspace", {workspace}),
            constant<uint32_t>("tickets", {tickets}, 0, Part::inout)};
  }
  static std::vector<Free> free() {
    return {{"table", Free::What::size, 0, "a longer table has room for more positions"},
            {"tickets", Free::What::size, 0, "more may be there"}};
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) {
    const std::vector<double> q = widened(in[0]);
    const std::vector<int64_t> positions = ints(in[1]);
    std::vector<double> y(q.size());
    const std::array<int64_t, 3> rows = {c.tokens, c.heads, c.head_dim};
    KIGO_TRY((reference::paged_attention<double, C>(
        {.q = {q.data(), rows},
         .positions = {positions.data(), {c.tokens}},
         .cache = {.k = {elements<C>(in[2]).data(), pool_shape(c)},
                   .v = {elements<C>(in[3]).data(), pool_shape(c)},
                   .table = {elements<int32_t>(in[4]).data(), {pages_of(c)}}},
         .y = {y.data(), rows},
         .workspace = {},
         .tickets = {}})));
    return Outputs{y, widened(in[7])};
  }

  /// Scores: a dot product whose partial sums are S_1, S_2 ... is off by at most u (|S_1| + |S_2| + ...) for
  /// its sums and u |q_i k_i| for each product (N. Higham, "Accuracy and Stability of Numerical Algorithms",
  /// 2nd ed., section 3.3): a decode keeps four sums of every fourth product and adds two levels, a prefill
  /// one sum. The root and its product add 2 u |score|.
  ///
  /// Weights: what the score is off by is a relative error of the weight; so is u |score - m| for the
  /// subtraction (subtractions from one running maximum to the next add up to no more), 4 u for expf (2 units
  /// in the last place, CUDA programming guide), and 5 u for each time the maximum moved (one expf, one
  /// product), which happens at most once a tile. Those below the normal range are off by 2^-149, relative to
  /// a sum of at least 1.
  ///
  /// Sums: those of the weights and of the mix take one rounding a term, a tile and, at the end of a decode,
  /// a split; the division one. The relative error of the sum of weights is the mean of that of the weights.
  ///
  /// Operands::half, prefill: products of halves are exact in float, but tensor cores may cut their sums
  /// instead of rounding them, in an order of their own: 2 u a term. Queries move by 2^-11 of themselves,
  /// weights by as much or, below 2^-14, by 2^-25; the sum of weights is of those before the rounding. Errors
  /// of scores are no longer small: e^x - 1 stands for x, and the sum of weights for what it is at least.
  static Outputs bound(const Case& c, std::span<const Tensor> in, const Outputs& truth) {
    Outputs bounds = {std::vector<double>(truth[0].size()), {}};
    const Numbers numbers(c, in);
    const double u = compare::kUnitFloat;
    const bool decode = c.tokens <= kernels::kDecodeTokens;
    const double to_half = kHalf && !decode ? compare::kUnitHalf : 0;
    for_rows(c, [&](int64_t t, int64_t h) {
      const int64_t keys = numbers.positions[static_cast<size_t>(t)] + 1;
      const Weights w = weights_of(c, numbers, t, h, keys);
      const double n = static_cast<double>(keys);
      const double tiles = decode ? std::ceil(std::ceil(n / 32) / 64) + 1 : std::ceil(n / 64);
      const double added = decode ? 32 * (tiles - 1) + std::min(std::ceil(n / 32), 64.0) : n;
      std::vector<double> relative(static_cast<size_t>(keys));
      double mean = 0, mass = 0;
      for (size_t p = 0; p < relative.size(); ++p) {
        const Dot dot = partial_sums(c, numbers, t, h, static_cast<int64_t>(p), decode ? 4 : 1);
        const double terms = static_cast<double>(c.head_dim);
        const double sums =
            to_half == 0 ? dot.partial_sums : 2 * terms * dot.products + dot.products * to_half / u;
        const double score = sums / std::sqrt(terms) + 2 * std::abs(w.score[p]);
        relative[p] = u * (score + w.largest - w.score[p] + 4 + 5 * (tiles - 1));
        if (to_half != 0) relative[p] = std::expm1(relative[p]);
        mean += w.weight[p] * relative[p];
      }
      const double both = mean + (to_half == 0 ? 1 : 2) * u * (2 * (added + tiles) + 6) + to_half;
      const double heaviest = std::ranges::max(w.weight);  // 1 / the sum of the weights
      for (int64_t i = 0; i < c.head_dim; ++i) {
        double own = 0, magnitudes = 0, highest = 0;
        mass = 0;
        for (size_t p = 0; p < relative.size(); ++p) {
          const double v = std::abs(numbers.v(c, h, static_cast<int64_t>(p), i));
          own += w.weight[p] * relative[p] * v;
          mass += w.weight[p] * v;
          magnitudes += v;
          highest = std::max(highest, v);
        }
        bounds[0][numbers.at(c, t, h, i)] =
            (to_half == 0 ? 1.02 : 1 / (1 - std::min(both, 0.9))) * (own + both * mass) +
            n * 0x1p-148 * (highest + 1) + (to_half == 0 ? 0 : 0x1p-25) * magnitudes * heaviest;
      }
    });
    return bounds;
  }

  static Status kernel(const Case&, std::span<const Placed> at, kernels::Stream stream) {
    return kernels::paged_attention<C>({.q = at[0].view<const float, 3>(),
                                        .positions = at[1].view<const int64_t, 1>(),
                                        .cache = {.k = at[2].view<const C, 4>(),
                                                  .v = at[3].view<const C, 4>(),
                                                  .table = at[4].view<const int32_t, 1>()},
                                        .y = at[5].view<float, 3>(),
                                        .workspace = at[6].view<float, 1>(),
                                        .tickets = at[7].view<uint32_t, 1>(),
                                        .operands = kOperands},
                                       stream);
  }

  static std::vector<Mutant<Case>> mutants() {
    const auto with = [](Fault fault) {
      return [fault](const Case& c, std::span<const Tensor> in) { return run(c, in, fault); };
    };
    return {{"sees one position too few", with({.keys = -1})},
            {"sees one position too many", with({.keys = 1})},
            {"takes the KV head of another group", with({.next_group = true})},
            {"deals the KV heads out in turn", with({.in_turn = true})},
            {"ignores the table", with({.identity_table = true})},
            {"divides by head_dim instead of its root", with({.no_root = true})},
            {"subtracts no maximum", with({.no_maximum = true})},
            {"drops position 3", with({.dropped = 3})},
            {"keeps sums in half", with({.half_sums = true})}};
  }
  static Cost cost(const Case& c) {
    double seen = 0;
    for (int64_t t = 0; t < c.tokens; ++t) seen += static_cast<double>(c.position + t + 1);
    const auto last = static_cast<double>(c.position + c.tokens);
    return {.bytes = 8 * static_cast<double>(c.tokens * c.heads * c.head_dim) +
                     2 * last * static_cast<double>(c.kv_heads * c.head_dim) * sizeof(C) +
                     static_cast<double>(8 * c.tokens + 4 * (pages_of(c) - c.room)),
            .flops = 4 * seen * static_cast<double>(c.heads * c.head_dim)};
  }

 private:
  static constexpr std::array<int64_t, 2> kTokens{8, 64};
  static constexpr std::array<int64_t, 5> kPositions{15, 16, 32, 64, 128};
  static constexpr int64_t kOthers = 2;  // pages of the pool that are somebody else's

  static int64_t pages_of(const Case& c) {
    return (c.position + std::max<int64_t>(c.tokens, 1) - 1) / ops::kPagePositions + 1 + c.room;
  }
  static std::array<int64_t, 4> pool_shape(const Case& c) {
    return {pages_of(c) + kOthers, c.kv_heads, ops::kPagePositions, c.head_dim};
  }
  static size_t in_pool(const Case& c, const auto& table, int64_t group, int64_t position, int64_t i) {
    const int64_t page = table[static_cast<size_t>(position / ops::kPagePositions)];
    return static_cast<size_t>(
        ((page * c.kv_heads + group) * ops::kPagePositions + position % ops::kPagePositions) * c.head_dim +
        i);
  }

  /// Positions up to the last query's are drawn; all else is NaN, as memory that nobody may read.
  static Tensor pool(std::string name, const Case& c, const std::vector<int32_t>& table, double scale,
                     Random& random) {
    const std::array<int64_t, 4> shape = pool_shape(c);
    std::vector<C> values(static_cast<size_t>(shape[0] * shape[1] * shape[2] * shape[3]),
                          narrowed<C>(std::numeric_limits<double>::quiet_NaN()));
    for (int64_t p = 0; p < c.position + c.tokens; ++p) {
      for (int64_t g = 0; g < c.kv_heads; ++g) {
        for (int64_t i = 0; i < c.head_dim; ++i)
          values[in_pool(c, table, g, p, i)] = narrowed<C>(scale * random.normal());
      }
    }
    Tensor tensor = given<C>(std::move(name), {shape.begin(), shape.end()}, std::span<const C>(values));
    tensor.padded = false;  // read 16 bytes at a time
    return tensor;
  }

  /// The arguments as doubles.
  struct Numbers {
    Numbers(const Case&, std::span<const Tensor> in)
        : q(widened(in[0])),
          keys(widened(in[2])),
          values(widened(in[3])),
          positions(ints(in[1])),
          table(ints(in[4])) {}
    double k(const Case& c, int64_t h, int64_t p, int64_t i) const {
      return keys[in_pool(c, table, h / (c.heads / c.kv_heads), p, i)];
    }
    double v(const Case& c, int64_t h, int64_t p, int64_t i) const {
      return values[in_pool(c, table, h / (c.heads / c.kv_heads), p, i)];
    }
    size_t at(const Case& c, int64_t t, int64_t h, int64_t i) const {
      return static_cast<size_t>((t * c.heads + h) * c.head_dim + i);
    }
    std::vector<double> q, keys, values;
    std::vector<int64_t> positions, table;
  };

  template <class Use>
  static void for_rows(const Case& c, Use use) {
    for (int64_t t = 0; t < c.tokens; ++t) {
      for (int64_t h = 0; h < c.heads; ++h) use(t, h);
    }
  }

  struct Weights {
    std::vector<double> score, weight;
    double largest = -std::numeric_limits<double>::infinity();
  };
  static Weights weights_of(const Case& c, const Numbers& numbers, int64_t t, int64_t h, int64_t keys) {
    Weights w;
    double sum = 0;
    for (int64_t p = 0; p < keys; ++p) {
      double dot = 0;
      for (int64_t i = 0; i < c.head_dim; ++i)
        dot += numbers.q[numbers.at(c, t, h, i)] * numbers.k(c, h, p, i);
      w.score.push_back(dot / std::sqrt(static_cast<double>(c.head_dim)));
      w.largest = std::max(w.largest, w.score.back());
    }
    for (const double s : w.score) sum += std::exp(s - w.largest);
    for (const double s : w.score) w.weight.push_back(std::exp(s - w.largest) / sum);
    return w;
  }

  /// Of one dot product that is kept in `ways` sums.
  struct Dot {
    double products = 0;      // the sum of their magnitudes
    double partial_sums = 0;  // the same and those of all partial sums
  };
  static Dot partial_sums(const Case& c, const Numbers& numbers, int64_t t, int64_t h, int64_t p,
                          size_t ways) {
    std::array<double, 4> sums{};
    Dot dot;
    for (int64_t i = 0; i < c.head_dim; ++i) {
      const double product = numbers.q[numbers.at(c, t, h, i)] * numbers.k(c, h, p, i);
      double& sum = sums[static_cast<size_t>(i) % ways];
      sum += product;
      dot.products += std::abs(product);
      dot.partial_sums += std::abs(product) + std::abs(sum);
    }
    if (ways != 1) {
      const double left = sums[0] + sums[1], right = sums[2] + sums[3];
      dot.partial_sums += std::abs(left) + std::abs(right) + std::abs(left + right);
    }
    return dot;
  }

  struct Fault {
    int64_t keys = 0;  // more than the contract says
    bool next_group = false;
    bool in_turn = false;
    bool identity_table = false;
    bool no_root = false;
    bool no_maximum = false;
    int64_t dropped = -1;
    bool half_sums = false;
  };
  /// What a kernel with one fault would give.
  static Result<Outputs> run(const Case& c, std::span<const Tensor> in, const Fault& fault) {
    Numbers numbers(c, in);
    if (fault.identity_table) std::iota(numbers.table.begin(), numbers.table.end(), 0);
    std::vector<double> y(numbers.q.size());
    for_rows(c, [&](int64_t t, int64_t h) { attend(c, numbers, fault, t, h, y); });
    return Outputs{y, widened(in[7])};
  }
  static void attend(const Case& c, const Numbers& numbers, const Fault& fault, int64_t t, int64_t h,
                     std::vector<double>& y) {
    int64_t source = h;  // a head whose group is the one to read
    if (fault.next_group) source = (h + c.heads / c.kv_heads) % c.heads;
    if (fault.in_turn) source = h % c.kv_heads * (c.heads / c.kv_heads);
    const auto keep = [&](double sum) { return fault.half_sums ? double{to_float(to_f16(sum))} : sum; };
    const int64_t room = pages_of(c) * ops::kPagePositions;
    const int64_t keys =
        std::clamp<int64_t>(numbers.positions[static_cast<size_t>(t)] + 1 + fault.keys, 1, room);
    const auto dims = static_cast<double>(c.head_dim);
    std::vector<double> e;
    double largest = -std::numeric_limits<double>::infinity();
    for (int64_t p = 0; p < keys; ++p) {
      double dot = 0;
      for (int64_t i = 0; i < c.head_dim; ++i)
        dot = keep(dot + numbers.q[numbers.at(c, t, h, i)] * numbers.k(c, source, p, i));
      e.push_back(dot / (fault.no_root ? dims : std::sqrt(dims)));
      largest = std::max(largest, e.back());
    }
    double sum = 0;
    for (int64_t p = 0; p < keys; ++p) {
      double& weight = e[static_cast<size_t>(p)];
      weight = double{static_cast<float>(std::exp(weight - (fault.no_maximum ? 0 : largest)))};
      if (p == fault.dropped) weight = 0;
      sum = keep(sum + weight);
    }
    for (int64_t i = 0; i < c.head_dim; ++i) {
      double mix = 0;
      for (int64_t p = 0; p < keys; ++p)
        mix = keep(mix + e[static_cast<size_t>(p)] * numbers.v(c, source, p, i));
      y[numbers.at(c, t, h, i)] = mix / sum;
    }
  }
};

using PagedAttentionPairs =
    PairList<PagedAttention<float>, PagedAttention<f16>, PagedAttention<f16, ops::Operands::half>>;

}  // namespace kigo::pairs
