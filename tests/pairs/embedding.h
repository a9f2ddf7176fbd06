// embedding on both sides, for every weight format.
#pragma once

#include <array>
#include <cstring>

#include "core/base/cat.h"
#include "core/ops/packing.h"
#include "kernels/embedding.h"
#include "reference/embedding.h"
#include "tests/pairs/data.h"
#include "tests/pairs/wrong_blocks.h"

namespace kigo::pairs {

struct EmbeddingCase {
  int64_t tokens = 1;
  int64_t vocab = 1;
  int64_t width = 1;
  uint64_t seed = 1;
  int64_t repeats = 1;  // ids go up to vocab * repeats: row id % vocab of the table that arguments() holds
};

template <quant::Format F>
struct Embedding {
  using Case = EmbeddingCase;

  static std::string name() { return cat("embedding_", lower(F::name)); }
  static Case arbitrary(const Draw& draw) {
    const int64_t most = F::values == 1 ? 5000 : F::values == 32 ? 150 : 20;
    return {draw_size(draw, 40), draw_size(draw, 300), F::values * draw_size(draw, most, kSpans),
            draw_seed(draw)};
  }
  static std::vector<Case> edges() {
    constexpr int64_t kBlock = F::values;
    std::vector<Case> cases = {{0, 3, kBlock}, {1, 1, kBlock}, {9, 5, 3 * kBlock}, {33, 151936, kBlock}};
    for (const int64_t width : {896, 1023, 1025, 3584}) {
      if (width % kBlock == 0) cases.push_back({5, 70, width});
    }
    return cases;
  }
  static std::vector<Case> bench() {
    std::vector<Case> cases;
    for (const int64_t tokens : {1, 512}) {
      for (const int64_t width : {896, 3584}) {
        if (width % F::values == 0) cases.push_back({tokens, 4096, width});
      }
    }
    return cases;
  }
  /// A table of 2.4 GiB, read throughout. A format of one plane can be repeated.
  static std::vector<Huge<Case>> huge() {
    if (F::name != "F16") return {};
    return {{{64, 1024, 4097, 1, 300}, {64, 300 * 1024, 4097}, 300, {"table"}}};
  }
  static std::string text(const Case& c) {
    return cat("tokens=", c.tokens, " vocab=", c.vocab, " width=", c.width, " seed=", c.seed);
  }

  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    Tensor blocks = drawn_blocks("blocks", type(), c.vocab, c.width, 1, random);
    Tensor table = packed_blocks("table", type(), c.width, blocks);
    Tensor chosen = drawn_between<uint32_t>("ids", {c.tokens}, 0, c.vocab * c.repeats - 1, random);
    if (c.tokens > 0) {  // the last row is always among them
      const auto last = static_cast<uint32_t>(c.vocab * c.repeats - 1);
      std::memcpy(chosen.data.data(), &last, sizeof last);
    }
    return {std::move(blocks), std::move(chosen), std::move(table), written<float>("y", {c.tokens, c.width})};
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) {
    std::vector<uint32_t> rows = ids(in[1]);
    for (uint32_t& row : rows) row %= static_cast<uint32_t>(c.vocab);
    return run(c, rows, in[0]);
  }

  /// Equal values: decoding to float is exact.
  static Outputs bound(const Case&, std::span<const Tensor>, const Outputs&) { return {{}}; }

  static Status kernel(const Case& c, std::span<const Placed> at, kernels::Stream stream) {
    return kernels::embedding<float>({.ids = at[0].view<const uint32_t, 1>(),
                                      .table = {at[1].data, &type(), c.vocab, c.width},
                                      .y = at[2].view<float, 2>()},
                                     stream);
  }

  static std::vector<Mutant<Case>> mutants() {
    std::vector<Mutant<Case>> mutants = {
        {"takes the row before for each id",
         [](const Case& c, std::span<const Tensor> in) { return run(c, ids(in[1]), shifted_rows(in[0])); }},
        {"gives every token the first one's row",
         [](const Case& c, std::span<const Tensor> in) {
           std::vector<uint32_t> first = ids(in[1]);
           for (uint32_t& id : first) id = first[0];
           return run(c, first, in[0]);
         }},
        {"reads ids as 16 bits", [](const Case& c, std::span<const Tensor> in) {
           std::vector<uint32_t> narrow = ids(in[1]);
           for (uint32_t& id : narrow) id &= 0xFFFF;
           return run(c, narrow, in[0]);
         }}};
    for (const WrongBlocks<F>& wrong : WrongBlocks<F>::all()) {
      mutants.push_back({wrong.name, [change = wrong.change](const Case& c, std::span<const Tensor> in) {
                           return run(c, ids(in[1]), changed_blocks<F>(in[0], change));
                         }});
    }
    return mutants;
  }
  static Cost cost(const Case& c) {
    const auto values = static_cast<double>(c.tokens * c.width);
    return {.bytes = values * (static_cast<double>(type().block_bytes) / type().block_values + 4) +
                     4.0 * static_cast<double>(c.tokens),
            .flops = 2 * values};
  }

 private:
  static constexpr std::array<int64_t, 3> kSpans{4, 32, 1024};  // spans of 1024 columns, in blocks

  static const quant::TensorType& type() { return *quant::find_tensor_type(F::gguf_id); }

  static Result<Outputs> run(const Case& c, const std::vector<uint32_t>& chosen, const Tensor& blocks) {
    std::vector<double> y(static_cast<size_t>(c.tokens * c.width));
    KIGO_TRY(reference::embedding<double>({.ids = {chosen.data(), {c.tokens}},
                                           .table = host_matrix(type(), c.width, blocks),
                                           .y = {y.data(), {c.tokens, c.width}}}));
    return Outputs{std::move(y)};
  }
};

template <quant::Format... Formats>
using EmbeddingOf = PairList<Embedding<Formats>...>;
using EmbeddingPairs = quant::FormatList::into<EmbeddingOf>;

}  // namespace kigo::pairs
