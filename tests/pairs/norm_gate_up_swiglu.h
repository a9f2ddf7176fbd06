// norm_gate_up_swiglu on both sides, for every weight format and some mixtures.
#pragma once

#include <array>
#include <cmath>
#include <numeric>

#include "core/base/cat.h"
#include "core/compare/bound.h"
#include "core/ops/packing.h"
#include "kernels/norm_gate_up_swiglu.h"
#include "reference/norm_gate_up_swiglu.h"
#include "tests/pairs/data.h"
#include "tests/pairs/projection.h"
#include "tests/pairs/wrong_blocks.h"

namespace kigo::pairs {

struct NormGateUpSwiGluCase {
  int64_t ffn_width = 1;
  int64_t width = 1;
  double scale = 1;  // of x
  float eps = 1e-6f;
  bool overlap = false;
  uint64_t seed = 1;
};

/// G: format of gate, U: of up.
template <quant::Format G, quant::Format U>
struct NormGateUpSwiGlu {
  static constexpr int64_t kBlock = std::lcm(G::values, U::values);
  using Case = NormGateUpSwiGluCase;
  static constexpr std::string_view never_empty = "one token and at least one output, always";

  static std::string name() {
    const std::string both = cat(lower(G::name), "_", lower(U::name));
    return cat("norm_gate_up_swiglu_", G::gguf_id == U::gguf_id ? lower(G::name) : both);
  }
  static Case arbitrary(const Draw& draw) {
    const int64_t most = kBlock == 1 ? 2000 : kBlock == 32 ? 70 : 9;
    return {draw_size(draw, 400, kOutputs),
            kBlock * draw_size(draw, most, kUnits),
            draw_scale(draw),
            draw(0, 1) == 1 ? 1e-6f : 0.25f,
            draw(0, 1) == 1,
            draw_seed(draw)};
  }
  static std::vector<Case> edges() {
    std::vector<Case> cases = {{1, kBlock}, {3, 3 * kBlock, 1e4}, {2, 7 * kBlock, 1e-3, 1e-6f, true}};
    for (int64_t outputs = 2; outputs <= 9; ++outputs) cases.push_back({outputs, 5 * kBlock});
    // 20736 = 81 * 256: a row that is walked in two slices.
    for (const int64_t width : {896, 1024, 3584, 4864, 18944, 20480, 20736}) {
      if (width % kBlock == 0) cases.push_back({5, width, 1, 1e-6f, width == 896});
    }
    cases.push_back({2701, kBlock});  // several rows for each team of warps
    if (kBlock == 1) {
      for (const int64_t width : {31, 33, 255, 257, 1023}) cases.push_back({4, width});
    }
    return cases;
  }
  static std::vector<Case> bench() {
    std::vector<Case> cases;  // Qwen2.5-0.5B and 7B; with overlap, as a decode step launches them
    for (const auto& [outputs, width] : {std::pair<int64_t, int64_t>{4864, 896}, {18944, 3584}}) {
      if (width % kBlock == 0) cases.push_back({.ffn_width = outputs, .width = width, .overlap = true});
    }
    // Superblocks do not divide 896 columns: Qwen3-0.6B instead, so that every format has a small case.
    if (896 % kBlock != 0) cases.push_back({.ffn_width = 3072, .width = 1024, .overlap = true});
    return cases;
  }
  static std::string text(const Case& c) {
    return cat("ffn_width=", c.ffn_width, " width=", c.width, " scale=", c.scale, " eps=", c.eps,
               " overlap=", c.overlap ? 1 : 0, " seed=", c.seed);
  }

  static std::vector<Tensor> arguments(const Case& c) {
    // Gates with a deviation near 2, on both slopes of silu, for any width.
    const double deviation = 2 / std::sqrt(static_cast<double>(c.width));
    Random random(c.seed);
    std::vector<Tensor> tensors;
    tensors.push_back(drawn_blocks("gate blocks", gate(), c.ffn_width, c.width, deviation, random));
    tensors.push_back(drawn_blocks("up blocks", up(), c.ffn_width, c.width, deviation, random));
    tensors.push_back(drawn<float>("x", {1, c.width}, c.scale, random));
    tensors.push_back(drawn<float>("norm_weight", {c.width}, 1, random));
    tensors.push_back(packed_blocks("gate", gate(), c.width, tensors[0]));
    tensors.push_back(packed_blocks("up", up(), c.width, tensors[1]));
    tensors.push_back(written<float>("y", {1, c.ffn_width}));
    return tensors;
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) {
    const std::vector<double> x = widened(in[2]);
    const std::vector<float> norm = floats(in[3]);
    std::vector<double> y(static_cast<size_t>(c.ffn_width));
    KIGO_TRY(reference::norm_gate_up_swiglu<double>({.x = {x.data(), {1, c.width}},
                                                     .norm_weight = {norm.data(), {c.width}},
                                                     .norm_eps = c.eps,
                                                     .gate = host_matrix(gate(), c.width, in[0]),
                                                     .up = host_matrix(up(), c.width, in[1]),
                                                     .y = {y.data(), {1, c.ffn_width}}}));
    return Outputs{std::move(y)};
  }

  /// With g and p the two products, within e and f of theirs (projection.h): |silu'| < 1.1, so silu(g) moves
  /// by 1.1 e; expf is right to 2 units in the last place (CUDA math functions, table of errors), 4 u, then
  /// the sum and the quotient round once: 6.1 u of |silu(g)|; where e^-g overflows, silu is below 1e-36 and 0
  /// is taken for it. The product of the two adds f |silu(g)| and rounds once.
  static Outputs bound(const Case& c, std::span<const Tensor> in, const Outputs& truth) {
    const std::vector<double> x = widened(in[2]), weight = widened(in[3]);
    const NormedProduct input{x, weight, c.eps};
    const std::vector<double> n = normed(input);
    const std::vector<double> g = product(gate(), in[0], n), p = product(up(), in[1], n);
    const std::vector<double> e = normed_product_bound(gate(), in[0], input, g);
    const std::vector<double> f = normed_product_bound(up(), in[1], input, p);
    Outputs bounds = truth;
    for (size_t j = 0; j < g.size(); ++j) {
      const double s = std::abs(silu(g[j]));
      const double moved = 1.1 * e[j] + 6.1 * compare::kUnitFloat * (s + 1.1 * e[j]) + 1e-36;
      const double off = moved * (std::abs(p[j]) + f[j]) + s * f[j];
      bounds[0][j] = rounded_bound_absolute<float>(off, truth[0][j]);
    }
    return bounds;
  }

  static Status kernel(const Case& c, std::span<const Placed> at, kernels::Stream stream) {
    return kernels::norm_gate_up_swiglu({.x = at[0].view<const float, 2>(),
                                         .norm_weight = at[1].view<const float, 1>(),
                                         .norm_eps = c.eps,
                                         .gate = {at[2].data, &gate(), c.ffn_width, c.width},
                                         .up = {at[3].data, &up(), c.ffn_width, c.width},
                                         .y = at[4].view<float, 2>()},
                                        stream,
                                        c.overlap ? kernels::Overlap::predecessor : kernels::Overlap::none);
  }

  static std::vector<Mutant<Case>> mutants() {
    return {{"drops the last term of the sums",
             [](const Case& c, std::span<const Tensor> in) {
               std::vector<double> n = normed_of(c, in, widened(in[3]), c.eps);
               n.back() = 0;
               return combined(in, n, product);
             }},
            {"keeps the sums in half",
             [](const Case& c, std::span<const Tensor> in) {
               return combined(in, normed_of(c, in, widened(in[3]), c.eps), product_in_half);
             }},
            {"leaves out the norm's weight",
             [](const Case& c, std::span<const Tensor> in) {
               return combined(
                   in, normed_of(c, in, std::vector<double>(static_cast<size_t>(in[3].elements()), 1), c.eps),
                   product);
             }},
            {"adds eps twice",
             [](const Case& c, std::span<const Tensor> in) {
               return combined(in, normed_of(c, in, widened(in[3]), 2 * c.eps), product);
             }},
            {"swaps gate and up",
             [](const Case& c, std::span<const Tensor> in) {
               const std::vector<double> n = normed_of(c, in, widened(in[3]), c.eps);
               return gated(product(up(), in[1], n), product(gate(), in[0], n));
             }},
            {"takes the row before of up", [](const Case& c, std::span<const Tensor> in) {
               const std::vector<double> n = normed_of(c, in, widened(in[3]), c.eps);
               return gated(product(gate(), in[0], n), product(up(), shifted_rows(in[1]), n));
             }}};
  }
  static Cost cost(const Case& c) {
    return {.bytes = matrix_bytes(gate(), c.ffn_width, c.width) + matrix_bytes(up(), c.ffn_width, c.width) +
                     4.0 * static_cast<double>(2 * c.width + c.ffn_width),
            .flops = 4.0 * static_cast<double>(c.ffn_width * c.width)};
  }

 private:
  static constexpr std::array<int64_t, 2> kOutputs{66, 132};  // one block a multiprocessor, two
  static constexpr std::array<int64_t, 2> kUnits{8, 32};      // of a superblock; of a warp

  static const quant::TensorType& gate() { return *quant::find_tensor_type(G::gguf_id); }
  static const quant::TensorType& up() { return *quant::find_tensor_type(U::gguf_id); }
  static double silu(double z) { return z / (1 + std::exp(-z)); }

  static std::vector<double> normed_of(const Case&, std::span<const Tensor> in,
                                       const std::vector<double>& weight, float eps) {
    const std::vector<double> x = widened(in[2]);
    return normed({x, weight, eps});
  }
  static Result<Outputs> combined(std::span<const Tensor> in, const std::vector<double>& n,
                                  const Multiply& multiply) {
    return gated(multiply(gate(), in[0], n), multiply(up(), in[1], n));
  }
  static Result<Outputs> gated(const std::vector<double>& g, std::vector<double> p) {
    for (size_t j = 0; j < g.size(); ++j) p[j] *= silu(g[j]);
    return Outputs{std::move(p)};
  }
};

template <quant::Format... Formats>
using NormGateUpSwiGluOf =
    PairList<NormGateUpSwiGlu<Formats, Formats>..., NormGateUpSwiGlu<quant::Q4_K, quant::Q6_K>,
             NormGateUpSwiGlu<quant::Q8_0, quant::Q5_0>, NormGateUpSwiGlu<quant::F16, quant::Q5_0>>;
using NormGateUpSwigluPairs = quant::FormatList::into<NormGateUpSwiGluOf>;

}  // namespace kigo::pairs
