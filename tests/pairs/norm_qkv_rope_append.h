// norm_qkv_rope_append on both sides: every weight format, some mixtures, both cache types.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/base/cat.h"
#include "core/compare/bound.h"
#include "core/ops/packing.h"
#include "kernels/norm_qkv_rope_append.h"
#include "reference/norm_qkv_rope_append.h"
#include "reference/rope.h"
#include "tests/pairs/data.h"
#include "tests/pairs/kv_append.h"
#include "tests/pairs/projection.h"
#include "tests/pairs/wrong_blocks.h"

namespace kigo::pairs {

struct NormQkvRopeAppendCase {
  int64_t heads = 1;
  int64_t kv_heads = 1;
  int64_t head_dim = 32;
  int64_t width = 32;
  int64_t position = 0;
  ops::Pairing pairing = ops::Pairing::halves;
  int64_t rope_dims = 32;
  bool bias = true;
  double scale = 1;  // of x
  bool overlap = false;
  bool divided = false;  // with a divisor for each pair
  uint64_t seed = 1;
};

/// C: of the cache; F: format of q and k; V: of v.
template <class C, quant::Format F, quant::Format V>
struct NormQkvRopeAppend {
  static constexpr int64_t kBlock = std::lcm(F::values, V::values);
  using Case = NormQkvRopeAppendCase;
  static constexpr std::string_view never_empty = "one token, always";

  static std::string name() {
    const std::string mixed = F::gguf_id == V::gguf_id ? "" : cat("_", lower(V::name));
    return cat("norm_qkv_rope_append_", lower(F::name), mixed, "_", type_name<C>());
  }
  static Case arbitrary(const Draw& draw) {
    const int64_t most = kBlock == 1 ? 1500 : kBlock == 32 ? 50 : 6;
    const int64_t kv_heads = draw(1, 4), head_dim = 2 * draw_size(draw, 64);
    return {kv_heads * draw(1, 4),
            kv_heads,
            head_dim,
            kBlock * draw_size(draw, most, kUnits),
            draw(0, 70),
            draw(0, 1) == 0 ? ops::Pairing::halves : ops::Pairing::neighbours,
            draw(0, 1) == 0 ? head_dim : 2 * draw(1, head_dim / 2),
            draw(0, 1) == 1,
            draw_scale(draw),
            draw(0, 1) == 1,
            draw(0, 2) == 0,
            draw_seed(draw)};
  }
  static std::vector<Case> edges() {
    using enum ops::Pairing;
    std::vector<Case> cases = {{2, 1, 32, kBlock, 5, halves, 32, true, 1e-3},
                               {2, 2, 64, 3 * kBlock, 15, neighbours, 64},
                               {3, 1, 80, 5 * kBlock, 16, halves, 80, false},
                               {3, 1, 128, 2 * kBlock, 45, neighbours, 128, false, 1, false, true},
                               {4, 2, 96, kBlock, 17, neighbours, 48, true, 1e4, true, true},
                               {2, 1, 128, 2 * kBlock, 31, halves, 2},
                               {1, 1, 2, kBlock, 32, halves, 2},
                               {32, 8, 128, kBlock, 47, halves, 128}};
    if (896 % kBlock == 0) cases.push_back({14, 2, 64, 896, 48, halves, 64, true, 1, true});
    if (3584 % kBlock == 0) cases.push_back({3, 1, 32, 3584, 33, halves, 32});
    for (const int64_t width : {20480, 20736}) {  // a row in one slice, in two
      if (width % kBlock == 0) cases.push_back({1, 1, 4, width, 2, neighbours, 4});
    }
    return cases;
  }
  static std::vector<Case> bench() {
    std::vector<Case> cases;  // Qwen2.5-0.5B and 7B, Llama-3-8B; with overlap, as a decode step launches them
    const auto halves = ops::Pairing::halves, neighbours = ops::Pairing::neighbours;
    if (896 % kBlock == 0) cases.push_back({14, 2, 64, 896, 600, halves, 64, true, 1, true});
    if (3584 % kBlock == 0) cases.push_back({28, 4, 128, 3584, 600, halves, 128, true, 1, true});
    if (4096 % kBlock == 0) cases.push_back({32, 8, 128, 4096, 600, neighbours, 128, false, 1, true, true});
    return cases;
  }
  static std::string text(const Case& c) {
    return cat("heads=", c.heads, " kv_heads=", c.kv_heads, " head_dim=", c.head_dim, " width=", c.width,
               " position=", c.position,
               " pairing=", c.pairing == ops::Pairing::halves ? "halves" : "neighbours",
               " rope_dims=", c.rope_dims, " bias=", c.bias ? 1 : 0, " scale=", c.scale,
               " overlap=", c.overlap ? 1 : 0, " divided=", c.divided ? 1 : 0, " seed=", c.seed);
  }

  /// In the order of At.
  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    const double deviation = 1 / std::sqrt(static_cast<double>(c.width));  // of weights: products near 1
    const std::vector<int32_t> table = drawn_table(pages(c), kOthers, random);
    const std::array<int64_t, 1> position{c.position};
    const std::vector<int64_t> pool = {pages(c) + kOthers, c.kv_heads, 16, c.head_dim};
    std::vector<Tensor> tensors;
    for (int p = 0; p < 3; ++p) {
      tensors.push_back(
          drawn_blocks(cat(kNames[p], " blocks"), type(p), rows(c, p), c.width, deviation, random));
    }
    tensors.push_back(drawn<float>("x", {1, c.width}, c.scale, random));
    tensors.push_back(drawn<float>("norm_weight", {c.width}, 1, random));
    for (int p = 0; p < 3; ++p)
      tensors.push_back(packed_blocks(kNames[p], type(p), c.width, tensors[static_cast<size_t>(p)]));
    tensors.push_back(given<int64_t>("positions", {1}, std::span<const int64_t>(position)));
    tensors.push_back(written<float>("y", {1, c.heads, c.head_dim}));
    tensors.push_back(drawn<C>("cache.k", pool, 1, random, Part::inout));
    tensors.push_back(drawn<C>("cache.v", pool, 1, random, Part::inout));
    tensors.push_back(given<int32_t>("table", {pages(c)}, std::span<const int32_t>(table)));
    for (int p = 0; c.bias && p < 3; ++p)
      tensors.push_back(drawn<float>(cat(kNames[p], ".bias"), {rows(c, p)}, 1, random));
    if (c.divided) tensors.push_back(drawn_divisors("rope_divisors", c.rope_dims / 2, random));
    return tensors;
  }
  static std::vector<Free> free() {
    return {{"table", Free::What::size, 0, "a longer table has room for more positions"}};
  }

  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) {
    const std::vector<double> x = widened(in[kX]);
    const std::vector<float> norm = floats(in[kNorm]);
    const std::vector<int64_t> positions = {c.position};
    const std::vector<int64_t> wide_table = ints(in[kTable]);
    const std::vector<int32_t> table(wide_table.begin(), wide_table.end());
    const std::vector<float> divided = divisors(c, in);
    std::vector<std::vector<float>> biases(3);
    for (size_t p = 0; c.bias && p < 3; ++p) biases[p] = floats(in[kBias + p]);
    const auto projection = [&](int p) {
      const std::vector<float>& bias = biases[static_cast<size_t>(p)];
      ops::Projection<Space::Host> out{host_matrix(type(p), c.width, in[static_cast<size_t>(p)]), {}};
      if (c.bias) out.bias = {bias.data(), {rows(c, p)}};
      return out;
    };
    Outputs out = {std::vector<double>(static_cast<size_t>(c.heads * c.head_dim)), widened(in[kCacheK]),
                   widened(in[kCacheV])};
    const std::array<int64_t, 4> pool = {pages(c) + kOthers, c.kv_heads, 16, c.head_dim};
    KIGO_TRY((reference::norm_qkv_rope_append<double, double>(
        {.x = {x.data(), {1, c.width}},
         .norm_weight = {norm.data(), {c.width}},
         .norm_eps = kEps,
         .q = projection(0),
         .k = projection(1),
         .v = projection(2),
         .positions = {positions.data(), {1}},
         .pairing = c.pairing,
         .rope_dims = c.rope_dims,
         .rope_base = kBase,
         .rope_factor = kFactor,
         .rope_divisors = row_of(divided),
         .y = {out[0].data(), {1, c.heads, c.head_dim}},
         .cache = {
             .k = {out[1].data(), pool}, .v = {out[2].data(), pool}, .table = {table.data(), {pages(c)}}}})));
    return out;
  }

  /// A product with its bias, z, is within e of the truth: projection.h, and one rounding for the bias.
  /// Turning a pair (a, b) by an angle turns the errors as well: hypot(e_a, e_b) for each. Cosine and sine
  /// are rounded to float, the two products and their sum once each: 4 u of |a c| + |b s| <= hypot(a, b); the
  /// angles of both sides, in double, agree to 2^-48 of the angle (a power, two quotients and a product each;
  /// divisors are at least 1, so no angle is larger than without them).
  /// Then one rounding to the type of the cache. The rest of the cache keeps its values.
  static Outputs bound(const Case& c, std::span<const Tensor> in, const Outputs& truth) {
    const std::vector<double> x = widened(in[kX]), weight = widened(in[kNorm]);
    const NormedProduct input{x, weight, kEps};
    const std::vector<double> n = normed(input);
    Outputs bounds = {std::vector<double>(truth[0].size()), std::vector<double>(truth[1].size()),
                      std::vector<double>(truth[2].size())};
    for (int p = 0; p < 3; ++p) {
      const auto at_p = static_cast<size_t>(p);
      std::vector<double> z = product(type(p), in[at_p], n);
      std::vector<double> e = normed_product_bound(type(p), in[at_p], input, z);
      const std::vector<double> bias = c.bias ? widened(in[kBias + at_p]) : std::vector<double>(z.size());
      for (size_t j = 0; j < z.size(); ++j) {
        z[j] += bias[j];
        e[j] += c.bias ? compare::kUnitFloat * (std::abs(z[j]) + e[j]) : 0;
      }
      if (p != 2) turn_bounds(c, z, e);
      for (int64_t h = 0; h < rows(c, p) / c.head_dim; ++h) {
        for (int64_t i = 0; i < c.head_dim; ++i) {
          const size_t at = p == 0 ? static_cast<size_t>(h * c.head_dim + i) : at_in_cache(c, in, h, i);
          const double off = e[static_cast<size_t>(h * c.head_dim + i)];
          bounds[at_p][at] =
              p == 0 ? off + TypeOf<float>::least : rounded_bound_absolute<C>(off, truth[at_p][at]);
        }
      }
    }
    return bounds;
  }

  static Status kernel(const Case& c, std::span<const Placed> at, kernels::Stream stream) {
    const auto placed = [&](int index) -> const Placed& { return at[static_cast<size_t>(index - kX)]; };
    const auto projection = [&](int p) {
      ops::Projection<Space::Device> out{{placed(kPacked + p).data, &type(p), rows(c, p), c.width}, {}};
      if (c.bias) out.bias = placed(kBias + p).template view<const float, 1>();
      return out;
    };
    return kernels::norm_qkv_rope_append<C>(
        {.x = placed(kX).template view<const float, 2>(),
         .norm_weight = placed(kNorm).template view<const float, 1>(),
         .norm_eps = kEps,
         .q = projection(0),
         .k = projection(1),
         .v = projection(2),
         .positions = placed(kPositions).template view<const int64_t, 1>(),
         .pairing = c.pairing,
         .rope_dims = c.rope_dims,
         .rope_base = kBase,
         .rope_factor = kFactor,
         .rope_divisors = c.divided ? placed(divisors_at(c)).template view<const float, 1>()
                                    : View<const float, 1, Space::Device>(),
         .y = placed(kY).template view<float, 3>(),
         .cache = {.k = placed(kCacheK).template view<C, 4>(),
                   .v = placed(kCacheV).template view<C, 4>(),
                   .table = placed(kTable).template view<const int32_t, 1>()}},
        stream, c.overlap ? kernels::Overlap::predecessor : kernels::Overlap::none);
  }

  static std::vector<Mutant<Case>> mutants() {
    return {{"drops the last term of the sums", twisted({.drops_last = true})},
            {"keeps the sums in half", twisted({.multiply = product_in_half})},
            {"leaves out the norm's weight", twisted({.norm_weight = false})},
            {"leaves out the bias of q", twisted({.without_bias = 0})},
            {"leaves out the bias of k", twisted({.without_bias = 1})},
            {"leaves out the bias of v", twisted({.without_bias = 2})},
            {"pairs the wrong elements", twisted({.other_pairing = true})},
            {"turns to the next position", twisted({.turn_offset = 1})},
            {"forgets the divisors", twisted({.forgets_divisors = true})},
            {"turns v as well", twisted({.turns_v = true})},
            {"appends one position too early", twisted({.append_offset = -1})},
            {"ignores the table", twisted({.ignores_table = true})},
            {"swaps keys and values", [](const Case& c, std::span<const Tensor> in) -> Result<Outputs> {
               KIGO_ASSIGN(Outputs out, forward(c, in, {}));
               for (int64_t h = 0; h < c.kv_heads; ++h) {
                 for (int64_t i = 0; i < c.head_dim; ++i)
                   std::swap(out[1][at_in_cache(c, in, h, i)], out[2][at_in_cache(c, in, h, i)]);
               }
               return out;
             }}};
  }
  static Cost cost(const Case& c) {
    Cost cost{.bytes = 4.0 * static_cast<double>(2 * c.width + c.heads * c.head_dim) +
                       2.0 * sizeof(C) * static_cast<double>(c.kv_heads * c.head_dim) +
                       12};  // its position and the number of its page
    if (c.divided) cost.bytes += 4.0 * static_cast<double>(c.rope_dims / 2);
    for (int p = 0; p < 3; ++p) {
      cost.bytes += matrix_bytes(type(p), rows(c, p), c.width);
      if (c.bias) cost.bytes += 4.0 * static_cast<double>(rows(c, p));
      cost.flops += 2.0 * static_cast<double>(rows(c, p) * c.width);
    }
    return cost;
  }

 private:
  /// Where the tensors stand among the arguments; those of the kernel begin at kX.
  enum At : int { kX = 3, kNorm = 4, kPacked = 5, kPositions = 8, kY, kCacheK, kCacheV, kTable, kBias };
  static constexpr const char* kNames[3]{"q", "k", "v"};
  static constexpr std::array<int64_t, 2> kUnits{8, 32};  // of a superblock; of a warp
  static constexpr int64_t kOthers = 2;                   // pages of the pool that are somebody else's
  static constexpr float kEps = 1e-6f, kBase = 10000, kFactor = 2;

  static const quant::TensorType& type(int p) {
    return *quant::find_tensor_type(p == 2 ? V::gguf_id : F::gguf_id);
  }
  static int64_t rows(const Case& c, int p) { return (p == 0 ? c.heads : c.kv_heads) * c.head_dim; }
  static int divisors_at(const Case& c) { return c.bias ? kBias + 3 : kBias; }
  static std::vector<float> divisors(const Case& c, std::span<const Tensor> in) {
    return c.divided ? floats(in[static_cast<size_t>(divisors_at(c))]) : std::vector<float>();
  }
  static int64_t pages(const Case& c) { return c.position / 16 + 1; }

  /// The flat index of an element at the case's position, or `offset` later.
  static size_t at_in_cache(const Case& c, std::span<const Tensor> in, int64_t h, int64_t i,
                            int64_t offset = 0, bool through_table = true) {
    const int64_t position = std::max<int64_t>(c.position + offset, 0), entry = position / 16;
    const int64_t page = through_table ? ints(in[kTable])[static_cast<size_t>(entry)] : entry;
    return static_cast<size_t>(((page * c.kv_heads + h) * 16 + position % 16) * c.head_dim + i);
  }

  /// e of elements becomes e of turned elements.
  static void turn_bounds(const Case& c, const std::vector<double>& z, std::vector<double>& e) {
    const double angle = static_cast<double>(c.position) / double{kFactor};
    const double relative = 1.02 * 4 * compare::kUnitFloat + angle * 0x1p-48;
    const int64_t pairs = c.rope_dims / 2;
    for (int64_t first = 0; first < static_cast<int64_t>(z.size()); first += c.head_dim) {
      for (int64_t i = 0; i < pairs; ++i) {
        const bool halves = c.pairing == ops::Pairing::halves;
        const auto a = static_cast<size_t>(first + (halves ? i : 2 * i));
        const auto b = static_cast<size_t>(first + (halves ? i + pairs : 2 * i + 1));
        const double error = std::hypot(e[a], e[b]);
        e[a] = e[b] = error + relative * (std::hypot(z[a], z[b]) + error);
      }
    }
  }

  /// Ways to go wrong; none: the truth, wired by hand.
  struct Twist {
    Multiply multiply = product;
    bool drops_last = false, norm_weight = true, other_pairing = false, forgets_divisors = false,
         turns_v = false, ignores_table = false;
    int without_bias = -1;
    int64_t turn_offset = 0, append_offset = 0;
  };
  static auto twisted(Twist twist) {
    return [twist](const Case& c, std::span<const Tensor> in) { return forward(c, in, twist); };
  }

  static Result<Outputs> forward(const Case& c, std::span<const Tensor> in, const Twist& twist) {
    const std::vector<double> x = widened(in[kX]);
    const std::vector<double> weight =
        twist.norm_weight ? widened(in[kNorm]) : std::vector<double>(x.size(), 1);
    std::vector<double> n = normed({x, weight, kEps});
    if (twist.drops_last) n.back() = 0;
    Outputs out = {{}, widened(in[kCacheK]), widened(in[kCacheV])};
    for (int p = 0; p < 3; ++p) {
      const auto at_p = static_cast<size_t>(p);
      std::vector<double> z = twist.multiply(type(p), in[at_p], n);
      const std::vector<double> bias =
          c.bias && p != twist.without_bias ? widened(in[kBias + at_p]) : std::vector<double>(z.size());
      for (size_t j = 0; j < z.size(); ++j) z[j] += bias[j];
      if (p != 2 || twist.turns_v)
        KIGO_TRY(turn(c, twist, twist.forgets_divisors ? std::vector<float>() : divisors(c, in), z));
      if (p == 0) {
        out[0] = std::move(z);
        continue;
      }
      for (int64_t h = 0; h < c.kv_heads; ++h) {
        for (int64_t i = 0; i < c.head_dim; ++i)
          out[at_p][at_in_cache(c, in, h, i, twist.append_offset, !twist.ignores_table)] =
              z[static_cast<size_t>(h * c.head_dim + i)];
      }
    }
    return out;
  }
  static Status turn(const Case& c, const Twist& twist, const std::vector<float>& divisors,
                     std::vector<double>& z) {
    const std::array<int64_t, 1> position{c.position + twist.turn_offset};
    const bool halves = (c.pairing == ops::Pairing::halves) != twist.other_pairing;
    const View<double, 3> heads = {z.data(), {1, static_cast<int64_t>(z.size()) / c.head_dim, c.head_dim}};
    return reference::rope<double>({.x = heads,
                                    .positions = {position.data(), {1}},
                                    .y = heads,
                                    .pairing = halves ? ops::Pairing::halves : ops::Pairing::neighbours,
                                    .rope_dims = c.rope_dims,
                                    .base = kBase,
                                    .factor = kFactor,
                                    .divisors = row_of(divisors)});
  }
};

template <quant::Format... Formats>
using NormQkvRopeAppendOf = PairList<
    NormQkvRopeAppend<f16, Formats, Formats>..., NormQkvRopeAppend<f16, quant::Q5_0, quant::Q8_0>,
    NormQkvRopeAppend<f16, quant::Q4_K, quant::Q6_K>, NormQkvRopeAppend<f16, quant::Q5_K, quant::Q6_K>,
    NormQkvRopeAppend<f16, quant::Q3_K, quant::Q5_K>, NormQkvRopeAppend<float, quant::Q8_0, quant::F16>,
    NormQkvRopeAppend<float, quant::F32, quant::F32>>;
using NormQkvRopeAppendPairs = quant::FormatList::into<NormQkvRopeAppendOf>;

}  // namespace kigo::pairs
