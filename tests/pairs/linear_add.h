// linear_add on both sides, for every weight format.
#pragma once

#include <array>
#include <cmath>

#include "core/base/cat.h"
#include "core/compare/bound.h"
#include "core/ops/packing.h"
#include "kernels/linear_add.h"
#include "reference/linear_add.h"
#include "tests/pairs/data.h"
#include "tests/pairs/projection.h"
#include "tests/pairs/wrong_blocks.h"

namespace kigo::pairs {

struct LinearAddCase {
  int64_t rows = 1;
  int64_t cols = 1;
  double scale = 1;  // of x and of the residual
  bool overlap = false;
  uint64_t seed = 1;
};

template <quant::Format F>
struct LinearAdd {
  using Case = LinearAddCase;
  static constexpr std::string_view never_empty = "one token and at least one row, always";

  static std::string name() { return cat("linear_add_", lower(F::name)); }
  static Case arbitrary(const Draw& draw) {
    const int64_t most = F::values == 1 ? 3000 : F::values == 32 ? 100 : 12;
    return {draw_size(draw, 600, kRows), F::values * draw_size(draw, most, kUnits), draw_scale(draw),
            draw(0, 1) == 1, draw_seed(draw)};
  }
  static std::vector<Case> edges() {
    constexpr int64_t kBlock = F::values;
    std::vector<Case> cases = {{1, kBlock}, {3, 3 * kBlock, 1e4}, {2, 7 * kBlock, 1, true}};
    for (int64_t rows = 2; rows <= 9; ++rows) cases.push_back({rows, 5 * kBlock});
    // 20736 = 81 * 256: a row that is walked in two slices; 896 = 28 units, 4864 = 152, 18944 = 592.
    for (const int64_t cols : {896, 1024, 3584, 4864, 18944, 20480, 20736}) {
      if (cols % kBlock == 0) cases.push_back({5, cols, 1, cols == 4864});
    }
    cases.push_back({2700, kBlock});  // several rows for each team of warps
    if (kBlock == 1) {
      for (const int64_t cols : {31, 33, 255, 257, 1023}) cases.push_back({4, cols});
    }
    return cases;
  }
  static std::vector<Case> bench() {
    std::vector<Case> cases;
    // Qwen2.5-0.5B and 7B: the output of attention, down. With overlap, as a decode step launches them.
    for (const auto& [rows, cols] :
         {std::pair<int64_t, int64_t>{896, 896}, {896, 4864}, {3584, 3584}, {3584, 18944}}) {
      if (cols % F::values == 0) cases.push_back({.rows = rows, .cols = cols, .overlap = true});
    }
    return cases;
  }
  static std::string text(const Case& c) {
    return cat("rows=", c.rows, " cols=", c.cols, " scale=", c.scale, " overlap=", c.overlap ? 1 : 0,
               " seed=", c.seed);
  }

  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    std::vector<Tensor> tensors;
    tensors.push_back(drawn_blocks("blocks", type(), c.rows, c.cols, 0.5, random));
    tensors.push_back(drawn<float>("x", {1, c.cols}, c.scale, random));
    tensors.push_back(packed_blocks("w", type(), c.cols, tensors[0]));
    tensors.push_back(drawn<float>("residual", {1, c.rows}, c.scale, random));
    tensors.push_back(written<float>("y", {1, c.rows}));
    return tensors;
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) {
    const std::vector<double> x = widened(in[1]), residual = widened(in[3]);
    std::vector<double> y(residual.size());
    KIGO_TRY(reference::linear_add<double>({.x = {x.data(), {1, c.cols}},
                                            .w = host_matrix(type(), c.cols, in[0]),
                                            .residual = {residual.data(), {1, c.rows}},
                                            .y = {y.data(), {1, c.rows}}}));
    return Outputs{std::move(y)};
  }

  /// The sum's bound (projection.h), then one rounding of the sum with the residual, which is the result.
  static Outputs bound(const Case&, std::span<const Tensor> in, const Outputs& truth) {
    Outputs bounds{sum_bound(type(), in[0], widened(in[1]), 0)};
    for (size_t j = 0; j < bounds[0].size(); ++j)
      bounds[0][j] = rounded_bound_absolute<float>(bounds[0][j], truth[0][j]);
    return bounds;
  }

  static Status kernel(const Case& c, std::span<const Placed> at, kernels::Stream stream) {
    return kernels::linear_add({.x = at[0].view<const float, 2>(),
                                .w = {at[1].data, &type(), c.rows, c.cols},
                                .residual = at[2].view<const float, 2>(),
                                .y = at[3].view<float, 2>()},
                               stream, c.overlap ? kernels::Overlap::predecessor : kernels::Overlap::none);
  }

  static std::vector<Mutant<Case>> mutants() {
    return {{"drops the last term of the sum",
             [](const Case&, std::span<const Tensor> in) {
               std::vector<double> x = widened(in[1]);
               x.back() = 0;
               return sum(product(type(), in[0], x), in, 1);
             }},
            {"keeps the sums in half",
             [](const Case&, std::span<const Tensor> in) {
               return sum(product_in_half(type(), in[0], widened(in[1])), in, 1);
             }},
            {"drops the residual",
             [](const Case&, std::span<const Tensor> in) {
               return sum(product(type(), in[0], widened(in[1])), in, 0);
             }},
            {"adds the residual twice",
             [](const Case&, std::span<const Tensor> in) {
               return sum(product(type(), in[0], widened(in[1])), in, 2);
             }},
            {"takes the row before for each row", [](const Case&, std::span<const Tensor> in) {
               return sum(product(type(), shifted_rows(in[0]), widened(in[1])), in, 1);
             }}};
  }
  static Cost cost(const Case& c) {
    return {.bytes = matrix_bytes(type(), c.rows, c.cols) + 4.0 * static_cast<double>(c.cols + 2 * c.rows),
            .flops = 2.0 * static_cast<double>(c.rows * c.cols)};
  }

 private:
  static constexpr std::array<int64_t, 2> kRows{132, 264};  // one or two blocks a multiprocessor
  static constexpr std::array<int64_t, 2> kUnits{8, 32};    // of a superblock; of a warp

  static const quant::TensorType& type() { return *quant::find_tensor_type(F::gguf_id); }
  static Result<Outputs> sum(std::vector<double> products, std::span<const Tensor> in, double times) {
    const std::vector<double> residual = widened(in[3]);
    for (size_t j = 0; j < products.size(); ++j) products[j] += times * residual[j];
    return Outputs{std::move(products)};
  }
};

template <quant::Format... Formats>
using LinearAddOf = PairList<LinearAdd<Formats>...>;
using LinearAddPairs = quant::FormatList::into<LinearAddOf>;

}  // namespace kigo::pairs
