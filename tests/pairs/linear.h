// linear on both sides, for every weight format.
#pragma once

#include <array>
#include <cmath>

#include "core/base/cat.h"
#include "core/compare/bound.h"
#include "core/ops/packing.h"
#include "kernels/linear.h"
#include "kernels/linear_tiles.h"
#include "reference/linear.h"
#include "tests/pairs/data.h"
#include "tests/pairs/projection.h"
#include "tests/pairs/wrong_blocks.h"

namespace kigo::pairs {

struct LinearCase {
  int64_t tokens = 1;
  int64_t rows = 1;
  int64_t cols = 1;
  double scale = 1;  // of x
  bool bias = false;
  uint64_t seed = 1;
  bool overlap = false;
};

template <quant::Format F>
struct Linear {
  using Case = LinearCase;

  static std::string name() { return cat("linear_", lower(F::name)); }
  static Case arbitrary(const Draw& draw) {
    const int64_t most = F::values == 1 ? 1100 : F::values == 32 ? 40 : 6;
    return {draw_size(draw, 80, kTokens),
            draw_size(draw, 260, kRows),
            F::values * draw_size(draw, most, kStretch),
            draw_scale(draw),
            draw(0, 1) == 1,
            draw_seed(draw),
            draw(0, 1) == 1};
  }
  static std::vector<Case> edges() {
    constexpr int64_t kBlock = F::values;
    std::vector<Case> cases = {{0, 5, kBlock},
                               {1, 1, kBlock},
                               {9, 1, kBlock},
                               {8, 127, kBlock, 1, true},
                               {9, 129, kBlock, 1, true},
                               {64, 128, 2 * kBlock},
                               {65, 3, 5 * kBlock},
                               {2, 40, 3 * kBlock, 1e5},
                               {17, 40, 3 * kBlock, 1e5, true}};
    for (int64_t n = 1; n <= 9; ++n) {
      cases.push_back({n, n, 3 * kBlock, 1, n % 2 == 0});
      cases.push_back({10 - n, n, kBlock});
    }
    for (const int64_t cols : {896, 3584, 4864, 18944}) {
      if (cols % kBlock != 0) continue;
      cases.push_back({1, 9, cols});
      cases.push_back({11, 5, cols});
    }
    // Both sides of the choice between wide and narrow thread blocks, and two wide ones of tokens.
    constexpr int64_t kOdd = kBlock == 1 ? 97 : kBlock;
    constexpr int64_t kEnough = (kernels::kLinearWideBlocks - 1) * kernels::kLinearTileRows;
    cases.push_back({9, kEnough, kOdd});
    cases.push_back({9, kEnough + 1, kOdd, 1, true});
    cases.push_back({65, kEnough / 2 + 65, kOdd});
    if (kBlock == 1) {
      for (const int64_t cols : {31, 33, 255, 257, 1023}) {
        cases.push_back({3, 4, cols});
        cases.push_back({10, 4, cols});
      }
    }
    return cases;
  }
  static std::vector<Case> bench() {
    std::vector<Case> cases;
    const auto add = [&](int64_t rows, int64_t cols, int64_t tokens) {
      // One token with overlap, as a decode step launches its products.
      if (cols % F::values == 0) cases.push_back({tokens, rows, cols, 1, false, 1, tokens == 1});
    };
    for (const int64_t tokens : {1, 512}) {
      add(896, 896, tokens), add(4864, 896, tokens), add(896, 4864, tokens);        // Qwen2.5-0.5B
      add(3584, 3584, tokens), add(18944, 3584, tokens), add(3584, 18944, tokens);  // Qwen2.5-7B
    }
    // The heads: docs/formats.md, section 8.
    if (F::name == "Q8_0") add(151936, 896, 1);
    if (F::name == "Q6_K") add(152064, 3584, 1);
    return cases;
  }
  /// 2.3 GiB of output, from one long prompt.
  static std::vector<Huge<Case>> huge() {
    if (F::name != "Q8_0") return {};
    return {{{500, 1025, 64}, {1200 * 500, 1025, 64}, 1200, {"x", "y"}}};
  }
  static std::string text(const Case& c) {
    return cat("tokens=", c.tokens, " rows=", c.rows, " cols=", c.cols, " scale=", c.scale,
               " bias=", c.bias ? 1 : 0, " overlap=", c.overlap ? 1 : 0, " seed=", c.seed);
  }

  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    std::vector<Tensor> tensors;
    tensors.push_back(drawn_blocks("blocks", type(), c.rows, c.cols, 0.5, random));
    tensors.push_back(drawn<float>("x", {c.tokens, c.cols}, c.scale, random));
    tensors.push_back(packed_blocks("w", type(), c.cols, tensors[0]));
    tensors.push_back(written<float>("y", {c.tokens, c.rows}));
    if (c.bias) tensors.push_back(drawn<float>("bias", {c.rows}, c.scale, random));
    return tensors;
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) {
    return run(c, in, in[0], widened(in[1]), true);
  }

  /// dot_bound() over the products, and the bias as one more term, with r of the kernel that the number of
  /// tokens chooses. Decoding is exact but for the one rounding that the truth's weights have too.
  ///   tiles  kLinearTileColumns terms one after another; their sums, one after another; the bias.
  ///   rows   sum_bound(); adding the bias rounds once more.
  static Outputs bound(const Case& c, std::span<const Tensor> in, const Outputs& truth) {
    const std::vector<double> x = widened(in[1]);
    Outputs bounds{std::vector<double>(truth[0].size())};
    if (c.tokens <= kernels::kLinearRowsTokens) {
      for (int64_t t = 0; t < c.tokens; ++t) {
        const std::vector<double> sums =
            sum_bound(type(), in[0],
                      std::span(x).subspan(static_cast<size_t>(t * c.cols), static_cast<size_t>(c.cols)), 0);
        for (size_t j = 0; j < sums.size(); ++j) {
          const size_t at = static_cast<size_t>(t * c.rows) + j;
          bounds[0][at] = c.bias ? rounded_bound_absolute<float>(sums[j], truth[0][at]) : sums[j];
        }
      }
      return bounds;
    }
    const int64_t units = (c.cols + 31) / 32 + (F::values == 1 ? 7 : 0);  // scalars: stretches of 8 units
    const int64_t serial = kernels::kLinearTileColumns + units / 4 + 2 + 1;
    const compare::Accumulation how{.serial_terms = static_cast<double>(serial)};
    const std::vector<double> w = magnitudes<F>(type(), c.cols, in[0]);
    const std::vector<double> bias = c.bias ? widened(in[4]) : std::vector<double>();
    for (int64_t t = 0; t < c.tokens; ++t) {
      for (int64_t j = 0; j < c.rows; ++j) {
        double sum = c.bias ? std::abs(bias[static_cast<size_t>(j)]) : 0;
        for (int64_t i = 0; i < c.cols; ++i)
          sum += w[static_cast<size_t>(j * c.cols + i)] * std::abs(x[static_cast<size_t>(t * c.cols + i)]);
        const auto at = static_cast<size_t>(t * c.rows + j);
        bounds[0][at] = compare::dot_bound(c.cols, sum, truth[0][at], how);
      }
    }
    return bounds;
  }

  static Status kernel(const Case& c, std::span<const Placed> at, kernels::Stream stream) {
    ops::Linear<float, Space::Device> op{.x = at[0].view<const float, 2>(),
                                         .w = {at[1].data, &type(), c.rows, c.cols},
                                         .bias = {},
                                         .y = at[2].view<float, 2>()};
    if (c.bias) op.bias = at[3].view<const float, 1>();
    return kernels::linear(op, stream, c.overlap ? kernels::Overlap::predecessor : kernels::Overlap::none);
  }

  static std::vector<Mutant<Case>> mutants() {
    std::vector<Mutant<Case>> mutants = {
        {"drops the last term of the sum",
         [](const Case& c, std::span<const Tensor> in) {
           std::vector<double> x = widened(in[1]);
           for (int64_t t = 1; t <= c.tokens; ++t) x[static_cast<size_t>(t * c.cols - 1)] = 0;
           return run(c, in, in[0], x, true);
         }},
        {"keeps the sums in half", &sums_in_half},
        {"takes the row before for each row",
         [](const Case& c, std::span<const Tensor> in) {
           return run(c, in, shifted_rows(in[0]), widened(in[1]), true);
         }},
        {"leaves out the bias",
         [](const Case& c, std::span<const Tensor> in) { return run(c, in, in[0], widened(in[1]), false); }}};
    for (const WrongBlocks<F>& wrong : WrongBlocks<F>::all()) {
      mutants.push_back({wrong.name, [change = wrong.change](const Case& c, std::span<const Tensor> in) {
                           return run(c, in, changed_blocks<F>(in[0], change), widened(in[1]), true);
                         }});
    }
    return mutants;
  }
  static Cost cost(const Case& c) {
    const auto weights = static_cast<double>(c.rows * c.cols);
    return {.bytes = weights / type().block_values * type().block_bytes +
                     4.0 * static_cast<double>(c.tokens * (c.rows + c.cols) + (c.bias ? c.rows : 0)),
            .flops = 2 * weights * static_cast<double>(c.tokens)};
  }

 private:
  static constexpr std::array<int64_t, 3> kTokens{kernels::kLinearRowsTokens, kernels::kLinearNarrowTokens,
                                                  kernels::kLinearWideTokens};
  static constexpr std::array<int64_t, 1> kRows{kernels::kLinearTileRows};
  static constexpr std::array<int64_t, 2> kStretch{8, 256};  // columns, or blocks, that lanes share out

  static const quant::TensorType& type() { return *quant::find_tensor_type(F::gguf_id); }

  static Result<Outputs> run(const Case& c, std::span<const Tensor> in, const Tensor& blocks,
                             const std::vector<double>& x, bool with_bias) {
    std::vector<double> y(static_cast<size_t>(c.tokens * c.rows));
    ops::Linear<double, Space::Host> op{.x = {x.data(), {c.tokens, c.cols}},
                                        .w = host_matrix(type(), c.cols, blocks),
                                        .bias = {},
                                        .y = {y.data(), {c.tokens, c.rows}}};
    const std::vector<float> bias = c.bias ? floats(in[4]) : std::vector<float>();
    if (c.bias && with_bias) op.bias = {bias.data(), {c.rows}};
    KIGO_TRY(reference::linear<double>(op));
    return Outputs{std::move(y)};
  }

  /// Every partial sum rounded to half: off by far more than the bound, and infinite for large x.
  static Result<Outputs> sums_in_half(const Case& c, std::span<const Tensor> in) {
    const std::vector<double> x = widened(in[1]);
    const std::vector<float> w = decoded(type(), c.cols, in[0]);
    const std::vector<double> bias = c.bias ? widened(in[4]) : std::vector<double>();
    Outputs out{std::vector<double>(static_cast<size_t>(c.tokens * c.rows))};
    for (int64_t t = 0; t < c.tokens; ++t) {
      for (int64_t j = 0; j < c.rows; ++j) {
        double sum = 0;
        for (int64_t i = 0; i < c.cols; ++i) {
          const double product =
              double{w[static_cast<size_t>(j * c.cols + i)]} * x[static_cast<size_t>(t * c.cols + i)];
          sum = double{to_float(to_f16(sum + product))};
        }
        out[0][static_cast<size_t>(t * c.rows + j)] = sum + (c.bias ? bias[static_cast<size_t>(j)] : 0);
      }
    }
    return out;
  }
};

template <quant::Format... Formats>
using LinearOf = PairList<Linear<Formats>...>;
using LinearPairs = quant::FormatList::into<LinearOf>;

}  // namespace kigo::pairs
