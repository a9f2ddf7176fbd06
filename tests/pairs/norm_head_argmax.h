// norm_head_argmax on both sides, for every weight format.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/base/cat.h"
#include "core/compare/bound.h"
#include "core/ops/packing.h"
#include "kernels/norm_head_argmax.h"
#include "reference/norm_head_argmax.h"
#include "tests/pairs/data.h"
#include "tests/pairs/projection.h"
#include "tests/pairs/wrong_blocks.h"

namespace kigo::pairs {

struct NormHeadArgmaxCase {
  int64_t vocab = 1;
  int64_t width = 1;
  double scale = 1;       // of x
  int64_t different = 0;  // rows j and j + different are equal, so that the choice is among ties; 0: none are
  bool overlap = false;
  uint64_t seed = 1;
};

template <quant::Format F>
struct NormHeadArgmax {
  using Case = NormHeadArgmaxCase;
  static constexpr std::string_view never_empty = "one token and at least one id, always";

  static std::string name() { return cat("norm_head_argmax_", lower(F::name)); }
  static Case arbitrary(const Draw& draw) {
    const int64_t most = F::values == 1 ? 2000 : F::values == 32 ? 70 : 9;
    return {draw_size(draw, 1200, kRows),
            F::values * draw_size(draw, most, kUnits),
            draw_scale(draw),
            draw(0, 2) == 0 ? draw(1, 40) : 0,
            draw(0, 1) == 1,
            draw_seed(draw)};
  }
  static std::vector<Case> edges() {
    constexpr int64_t kBlock = F::values;
    std::vector<Case> cases = {{1, kBlock},
                               {3, 3 * kBlock, 1e4},
                               {2, 7 * kBlock, 1, 1, true},
                               {300, 5 * kBlock, 1, 7},
                               {2701, kBlock, 1, 1350},
                               {151936, kBlock == 1 ? 8 : kBlock, 1, 100000}};
    for (int64_t vocab = 2; vocab <= 9; ++vocab) cases.push_back({vocab, 5 * kBlock});
    for (const int64_t width : {896, 1024, 3584, 4864, 18944, 20480, 20736}) {
      if (width % kBlock == 0) cases.push_back({5, width, 1, 0, width == 896});
    }
    if (kBlock == 1) {
      for (const int64_t width : {31, 33, 255, 257, 1023}) cases.push_back({4, width});
    }
    return cases;
  }
  static std::vector<Case> bench() {
    // Qwen2.5-0.5B and 7B: docs/formats.md, section 8. With overlap, as a decode step launches them.
    const Case small{.vocab = 4096, .width = F::values == 256 ? 1024 : 896, .overlap = true};
    if (F::name == "Q8_0") return {{.vocab = 151936, .width = 896, .overlap = true}, small};
    if (F::name == "Q6_K") return {{.vocab = 152064, .width = 3584, .overlap = true}, small};
    return {small};
  }
  static std::string text(const Case& c) {
    return cat("vocab=", c.vocab, " width=", c.width, " scale=", c.scale, " different=", c.different,
               " overlap=", c.overlap ? 1 : 0, " seed=", c.seed);
  }

  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    std::vector<Tensor> tensors;
    tensors.push_back(drawn_blocks("blocks", type(), c.vocab, c.width, 0.5, random));
    if (c.different > 0) repeat_rows(tensors[0], c.different);
    tensors.push_back(drawn<float>("x", {1, c.width}, c.scale, random));
    tensors.push_back(drawn<float>("norm_weight", {c.width}, 1, random));
    tensors.push_back(packed_blocks("head", type(), c.width, tensors[0]));
    tensors.push_back(written<float>("logits", {1, c.vocab}));
    tensors.push_back(written<uint32_t>("ids", {1}));
    tensors.push_back(scratch<uint64_t>("workspace", {ops::kHeadWorkspace}));
    tensors.push_back(constant_ticket());
    return tensors;
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) {
    const std::vector<double> x = widened(in[1]);
    const std::vector<float> norm = floats(in[2]);
    std::vector<double> logits(static_cast<size_t>(c.vocab));
    uint32_t id = 0;
    KIGO_TRY(reference::norm_head_argmax<double>({.x = {x.data(), {1, c.width}},
                                                  .norm_weight = {norm.data(), {c.width}},
                                                  .norm_eps = kEps,
                                                  .head = host_matrix(type(), c.width, in[0]),
                                                  .logits = {logits.data(), {1, c.vocab}},
                                                  .ids = {&id, {1}},
                                                  .workspace = {},
                                                  .ticket = {}}));
    return outputs(std::move(logits), id);
  }

  /// The logits as projection.h derives, stored with one more rounding. The id is the truth's, unless a logit
  /// that is lower in truth could have come out on top by rounding: equal rows give equal bits, so ties are
  /// no excuse. The ticket is zero again.
  static Outputs bound(const Case&, std::span<const Tensor> in, const Outputs& truth) {
    const std::vector<double> x = widened(in[1]), weight = widened(in[2]), &logits = truth[0];
    std::vector<double> bounds = normed_product_bound(type(), in[0], {x, weight, kEps}, logits);
    for (size_t j = 0; j < bounds.size(); ++j)
      bounds[j] = rounded_bound_absolute<float>(bounds[j], logits[j]);
    const auto best = static_cast<size_t>(truth[1][0]);
    bool decided = true;
    for (size_t j = 0; j < logits.size(); ++j)
      decided = decided && (logits[j] == logits[best] || logits[best] - logits[j] > bounds[j] + bounds[best]);
    const double any = decided ? 0 : static_cast<double>(logits.size());
    return {std::move(bounds), {any}, {0}};
  }

  static Status kernel(const Case& c, std::span<const Placed> at, kernels::Stream stream) {
    return kernels::norm_head_argmax({.x = at[0].view<const float, 2>(),
                                      .norm_weight = at[1].view<const float, 1>(),
                                      .norm_eps = kEps,
                                      .head = {at[2].data, &type(), c.vocab, c.width},
                                      .logits = at[3].view<float, 2>(),
                                      .ids = at[4].view<uint32_t, 1>(),
                                      .workspace = at[5].view<uint64_t, 1>(),
                                      .ticket = at[6].view<uint32_t, 1>()},
                                     stream,
                                     c.overlap ? kernels::Overlap::predecessor : kernels::Overlap::none);
  }

  static std::vector<Mutant<Case>> mutants() {
    return {{"drops the last term of the sums",
             [](const Case&, std::span<const Tensor> in) {
               std::vector<double> n = normed_of(in, widened(in[2]), kEps);
               n.back() = 0;
               return chosen(product(type(), in[0], n));
             }},
            {"keeps the sums in half",
             [](const Case&, std::span<const Tensor> in) {
               return chosen(product_in_half(type(), in[0], normed_of(in, widened(in[2]), kEps)));
             }},
            {"leaves out the norm's weight",
             [](const Case&, std::span<const Tensor> in) {
               const std::vector<double> ones(static_cast<size_t>(in[2].elements()), 1);
               return chosen(product(type(), in[0], normed_of(in, ones, kEps)));
             }},
            {"adds eps twice",
             [](const Case&, std::span<const Tensor> in) {
               return chosen(product(type(), in[0], normed_of(in, widened(in[2]), 2 * kEps)));
             }},
            {"takes the row before for each row",
             [](const Case&, std::span<const Tensor> in) {
               return chosen(product(type(), shifted_rows(in[0]), normed_of(in, widened(in[2]), kEps)));
             }},
            {"breaks ties by the highest id",
             [](const Case& c, std::span<const Tensor> in) -> Result<Outputs> {
               KIGO_ASSIGN(Outputs out, reference(c, in));
               const auto last = std::max_element(out[0].rbegin(), out[0].rend());  // the first from behind
               out[1][0] = static_cast<double>(out[0].rend() - last - 1);
               return out;
             }},
            {"leaves the ticket drawn", [](const Case& c, std::span<const Tensor> in) -> Result<Outputs> {
               KIGO_ASSIGN(Outputs out, reference(c, in));
               out[2][0] = 1;
               return out;
             }}};
  }
  static Cost cost(const Case& c) {
    return {.bytes =
                matrix_bytes(type(), c.vocab, c.width) + 4.0 * static_cast<double>(2 * c.width + c.vocab + 1),
            .flops = 2.0 * static_cast<double>(c.vocab * c.width)};
  }

 private:
  static constexpr std::array<int64_t, 3> kRows{132, 264, 1024};  // blocks
  static constexpr std::array<int64_t, 2> kUnits{8, 32};          // of a superblock; of a warp
  static constexpr float kEps = 1e-3f;                            // large enough that a wrong one shows

  static const quant::TensorType& type() { return *quant::find_tensor_type(F::gguf_id); }
  static Tensor constant_ticket() {
    const std::array<uint32_t, 1> zero{0};
    Tensor ticket = given<uint32_t>("ticket", {1}, std::span<const uint32_t>(zero), Part::inout);
    ticket.padded = false;
    return ticket;
  }
  static void repeat_rows(Tensor& blocks, int64_t different) {
    const auto step = static_cast<size_t>(different * blocks.shape[1]);
    for (size_t at = step; at < blocks.data.size(); ++at) blocks.data[at] = blocks.data[at - step];
  }
  static std::vector<double> normed_of(std::span<const Tensor> in, const std::vector<double>& weight,
                                       float eps) {
    const std::vector<double> x = widened(in[1]);
    return normed({x, weight, eps});
  }
  static Outputs outputs(std::vector<double> logits, uint32_t id) {
    return {std::move(logits), {static_cast<double>(id)}, {0}};
  }
  static Result<Outputs> chosen(std::vector<double> logits) {
    const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
    return outputs(std::move(logits), static_cast<uint32_t>(best));
  }
};

template <quant::Format... Formats>
using NormHeadArgmaxOf = PairList<NormHeadArgmax<Formats>...>;
using NormHeadArgmaxPairs = quant::FormatList::into<NormHeadArgmaxOf>;

}  // namespace kigo::pairs
