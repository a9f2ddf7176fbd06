// repack on both sides, for every weight format.
#pragma once

#include <algorithm>
#include <array>

#include "core/base/cat.h"
#include "core/ops/packing.h"
#include "kernels/repack.h"
#include "reference/repack.h"
#include "tests/pairs/data.h"
#include "tests/pairs/packed_rows.h"

namespace kigo::pairs {

template <quant::Format F>
struct Repack {
  using Case = PackedRowsCase;

  static std::string name() { return cat("repack_", lower(F::name)); }
  static Case arbitrary(const Draw& draw) { return draw_packed_rows<F>(draw); }
  static std::vector<Case> edges() { return packed_rows_edges<F>(); }
  static std::vector<Case> bench() { return packed_rows_bench<F>(); }
  static std::vector<Huge<Case>> huge() { return packed_rows_huge<F>(); }
  static std::string text(const Case& c) { return packed_rows_text(c); }

  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    return {drawn_between<std::byte>("blocks", {c.count * row_bytes(c)}, 0, 255, random),
            dense(drawn_between<std::byte>("packed", {ops::packed_bytes(type(), c.rows, c.cols)}, 0, 255,
                                           random, Part::inout))};
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) { return run(c, in); }
  static Outputs bound(const Case&, std::span<const Tensor>, const Outputs&) { return {{}}; }  // equal bytes

  static Status kernel(const Case& c, std::span<const Placed> at, kernels::Stream stream) {
    return kernels::repack({.type = &type(),
                            .rows = c.rows,
                            .cols = c.cols,
                            .first_row = c.first,
                            .blocks = at[0].view<const std::byte, 1>(),
                            .packed = at[1].view<std::byte, 1>()},
                           stream);
  }

  static std::vector<Mutant<Case>> mutants() {
    return {{"puts every piece at the first row",
             [](const Case& c, std::span<const Tensor> in) {
               Case first = c;
               first.first = 0;
               return run(first, in);
             }},
            {"leaves out the last row of the piece",
             [](const Case& c, std::span<const Tensor> in) {
               Case less = c;
               less.count = std::max<int64_t>(0, c.count - 1);
               return run(less, in);
             }},
            {"moves a byte too little", [](const Case& c, std::span<const Tensor> in) {
               const std::vector<double> before = widened(in[1]);
               auto outputs = run(c, in);
               if (outputs) {
                 const auto changed = std::ranges::mismatch(before, outputs->at(0));
                 if (changed.in1 != before.end()) *changed.in2 = *changed.in1;
               }
               return outputs;
             }}};
  }
  static Cost cost(const Case& c) { return {.bytes = 2.0 * static_cast<double>(c.count * row_bytes(c))}; }

 private:
  static const quant::TensorType& type() { return *quant::find_tensor_type(F::gguf_id); }
  static int64_t row_bytes(const Case& c) { return c.cols / F::values * type().block_bytes; }

  static Result<Outputs> run(const Case& c, std::span<const Tensor> in) {
    Tensor packed = in[1];
    KIGO_TRY(reference::repack({.type = &type(),
                                .rows = c.rows,
                                .cols = c.cols,
                                .first_row = c.first,
                                .blocks = {in[0].data.data(), {c.count * row_bytes(c)}},
                                .packed = {packed.data.data(), {packed.elements()}}}));
    return Outputs{widened(packed)};
  }
};

template <quant::Format... Formats>
using RepackOf = PairList<Repack<Formats>...>;
using RepackPairs = quant::FormatList::into<RepackOf>;

}  // namespace kigo::pairs
