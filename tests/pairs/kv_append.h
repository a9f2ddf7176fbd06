// kv_append on both sides.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/base/cat.h"
#include "kernels/kv_append.h"
#include "reference/kv_append.h"
#include "tests/pairs/data.h"
#include "tests/pairs/pair.h"

namespace kigo::pairs {

/// A table of `pages` pages in a pool that has `others` more, in an order drawn from the seed.
inline std::vector<int32_t> drawn_table(int64_t pages, int64_t others, Random& random) {
  std::vector<int32_t> order(static_cast<size_t>(pages + others));
  std::iota(order.begin(), order.end(), 0);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  order.resize(static_cast<size_t>(pages));
  return order;
}

/// Cache C = float, f16.
template <class C>
struct KvAppend {
  struct Case {
    int64_t tokens = 1;
    int64_t kv_heads = 1;
    int64_t head_dim = 32;
    int64_t position = 0;    // of the first token
    bool backwards = false;  // the next position is one less instead of one more
    double scale = 1;
    uint64_t seed = 1;
  };

  static std::string name() { return cat("kv_append_", type_name<C>()); }
  static Case arbitrary(const Draw& draw) {
    return {draw_size(draw, 40, kPages),
            draw_size(draw, 9),
            draw_size(draw, 256, kThreads),
            draw(0, 100),
            draw(0, 1) == 1,
            std::min(draw_scale(draw), 1000.0),
            draw_seed(draw)};
  }
  static std::vector<Case> edges() {
    return {{1, 2, 64, 0},  {1, 2, 64, 15},  {1, 2, 64, 16},  {1, 4, 128, 17},
            {9, 8, 80, 10}, {17, 1, 96, 31}, {33, 3, 33, 16}, {20, 2, 64, 5, true, 8.0},
            {3, 5, 77, 47}, {0, 2, 64, 3}};
  }
  static std::vector<Case> bench() {
    return {{1, 2, 64, 600}, {512, 2, 64, 0}, {1, 4, 128, 600}, {2048, 4, 128, 0}};
  }
  static std::string text(const Case& c) {
    return cat("tokens=", c.tokens, " kv_heads=", c.kv_heads, " head_dim=", c.head_dim,
               " position=", c.position, " backwards=", c.backwards, " scale=", c.scale, " seed=", c.seed);
  }

  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    const std::vector<int32_t> table = drawn_table(pages(c), kOthers, random);
    std::vector<int64_t> positions(static_cast<size_t>(c.tokens));
    std::iota(positions.begin(), positions.end(), c.position);
    if (c.backwards) std::ranges::reverse(positions);
    const std::vector<int64_t> pool = pool_shape(c);
    return {drawn<float>("k", {c.tokens, c.kv_heads, c.head_dim}, c.scale, random),
            drawn<float>("v", {c.tokens, c.kv_heads, c.head_dim}, c.scale, random),
            given<int64_t>("positions", {c.tokens}, std::span<const int64_t>(positions)),
            drawn<C>("cache.k", pool, 1, random, Part::inout),
            drawn<C>("cache.v", pool, 1, random, Part::inout),
            given<int32_t>("table", {pages(c)}, std::span<const int32_t>(table))};
  }
  static std::vector<Free> free() {
    return {{"table", Free::What::size, 0, "a longer table has room for more positions"}};
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) {
    return run(c, in, ints(in[2]), ints(in[5]));
  }

  /// Equal values: the one rounding is exact on both sides.
  static Outputs bound(const Case&, std::span<const Tensor>, const Outputs&) { return {{}, {}}; }

  static Status kernel(const Case&, std::span<const Placed> at, kernels::Stream stream) {
    return kernels::kv_append<C>({.k = at[0].view<const float, 3>(),
                                  .v = at[1].view<const float, 3>(),
                                  .positions = at[2].view<const int64_t, 1>(),
                                  .cache = {.k = at[3].view<C, 4>(),
                                            .v = at[4].view<C, 4>(),
                                            .table = at[5].view<const int32_t, 1>()}},
                                 stream);
  }

  static std::vector<Mutant<Case>> mutants() {
    return {{"writes one position too early",
             [](const Case& c, std::span<const Tensor> in) {
               std::vector<int64_t> positions = ints(in[2]);
               for (int64_t& p : positions) p = std::max<int64_t>(p - 1, 0);
               return run(c, in, positions, ints(in[5]));
             }},
            {"ignores the table",
             [](const Case& c, std::span<const Tensor> in) {
               std::vector<int64_t> table = ints(in[5]);
               std::iota(table.begin(), table.end(), 0);
               return run(c, in, ints(in[2]), table);
             }},
            {"swaps keys and values",
             [](const Case& c, std::span<const Tensor> in) {
               std::vector<Tensor> swapped(in.begin(), in.end());
               std::swap(swapped[0].data, swapped[1].data);
               return run(c, swapped, ints(in[2]), ints(in[5]));
             }},
            {"leaves the last element as it was",
             [](const Case& c, std::span<const Tensor> in) -> Result<Outputs> {
               KIGO_ASSIGN(Outputs out, reference(c, in));
               const std::vector<double> before = widened(in[3]);
               size_t last = before.size();
               for (size_t i = 0; i < before.size(); ++i) last = out[0][i] != before[i] ? i : last;
               if (last < before.size()) out[0][last] = before[last];
               return out;
             }}};
  }
  static Cost cost(const Case& c) {
    const int64_t touched =  // pages
        c.tokens == 0 ? 0 : (c.position + c.tokens - 1) / 16 - c.position / 16 + 1;
    return {
        .bytes = 2 * static_cast<double>(c.tokens * c.kv_heads * c.head_dim) * (sizeof(float) + sizeof(C)) +
                 static_cast<double>(8 * c.tokens + 4 * touched),
        .flops = 0};
  }

 private:
  static constexpr std::array<int64_t, 2> kPages{16, 32};
  static constexpr std::array<int64_t, 1> kThreads{256};
  static constexpr int64_t kOthers = 2;  // pages of the pool that are somebody else's

  static int64_t pages(const Case& c) { return (c.position + std::max<int64_t>(c.tokens, 1) - 1) / 16 + 1; }
  static std::vector<int64_t> pool_shape(const Case& c) {
    return {pages(c) + kOthers, c.kv_heads, 16, c.head_dim};
  }

  static Result<Outputs> run(const Case& c, std::span<const Tensor> in, const std::vector<int64_t>& positions,
                             const std::vector<int64_t>& pages_of_table) {
    const std::vector<int32_t> table(pages_of_table.begin(), pages_of_table.end());
    const std::vector<float> k = floats(in[0]), v = floats(in[1]);
    const auto copy = [](std::span<const C> pool) { return std::vector<C>(pool.begin(), pool.end()); };
    std::vector<C> keys = copy(elements<C>(in[3])), values = copy(elements<C>(in[4]));
    const std::array<int64_t, 3> rows = {c.tokens, c.kv_heads, c.head_dim};
    const std::array<int64_t, 4> pool = {pages(c) + kOthers, c.kv_heads, 16, c.head_dim};
    KIGO_TRY((reference::kv_append<float, C>(
        {.k = {k.data(), rows},
         .v = {v.data(), rows},
         .positions = {positions.data(), {c.tokens}},
         .cache = {
             .k = {keys.data(), pool}, .v = {values.data(), pool}, .table = {table.data(), {pages(c)}}}})));
    const auto wide = [](const std::vector<C>& values_) {
      return widened(TypeOf<C>::type, std::as_bytes(std::span(values_)));
    };
    return Outputs{wide(keys), wide(values)};
  }
};

using KvAppendPairs = PairList<KvAppend<float>, KvAppend<f16>>;

}  // namespace kigo::pairs
