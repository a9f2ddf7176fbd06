// unpack on both sides, for every weight format.
#pragma once

#include <algorithm>

#include "core/base/cat.h"
#include "core/ops/packing.h"
#include "kernels/unpack.h"
#include "reference/unpack.h"
#include "tests/pairs/data.h"
#include "tests/pairs/packed_rows.h"

namespace kigo::pairs {

template <quant::Format F>
struct Unpack {
  using Case = PackedRowsCase;

  static std::string name() { return cat("unpack_", lower(F::name)); }
  static Case arbitrary(const Draw& draw) { return draw_packed_rows<F>(draw); }
  static std::vector<Case> edges() { return packed_rows_edges<F>(); }
  static std::vector<Case> bench() { return packed_rows_bench<F>(); }
  static std::vector<Huge<Case>> huge() { return packed_rows_huge<F>(); }
  static std::string text(const Case& c) { return packed_rows_text(c); }

  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    return {dense(drawn_between<std::byte>("packed", {ops::packed_bytes(type(), c.rows, c.cols)}, 0, 255,
                                           random)),
            written<std::byte>("blocks", {c.count * row_bytes(c)})};
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) { return run(c, in); }
  static Outputs bound(const Case&, std::span<const Tensor>, const Outputs&) { return {{}}; }  // equal bytes

  static Status kernel(const Case& c, std::span<const Placed> at, kernels::Stream stream) {
    return kernels::unpack({.type = &type(),
                            .rows = c.rows,
                            .cols = c.cols,
                            .first_row = c.first,
                            .packed = at[0].view<const std::byte, 1>(),
                            .blocks = at[1].view<std::byte, 1>()},
                           stream);
  }

  static std::vector<Mutant<Case>> mutants() {
    return {{"takes every piece from the first row",
             [](const Case& c, std::span<const Tensor> in) {
               Case first = c;
               first.first = 0;
               return run(first, in);
             }},
            {"takes every byte from the next one", [](const Case& c, std::span<const Tensor> in) {
               std::vector<Tensor> moved(in.begin(), in.end());
               std::ranges::rotate(moved[0].data, moved[0].data.begin() + 1);
               return run(c, moved);
             }}};
  }
  static Cost cost(const Case& c) { return {.bytes = 2.0 * static_cast<double>(c.count * row_bytes(c))}; }

 private:
  static const quant::TensorType& type() { return *quant::find_tensor_type(F::gguf_id); }
  static int64_t row_bytes(const Case& c) { return c.cols / F::values * type().block_bytes; }

  static Result<Outputs> run(const Case& c, std::span<const Tensor> in) {
    std::vector<std::byte> blocks(static_cast<size_t>(c.count * row_bytes(c)));
    KIGO_TRY(reference::unpack({.type = &type(),
                                .rows = c.rows,
                                .cols = c.cols,
                                .first_row = c.first,
                                .packed = {in[0].data.data(), {in[0].elements()}},
                                .blocks = {blocks.data(), {c.count * row_bytes(c)}}}));
    return Outputs{widened(Type::bytes, blocks)};
  }
};

template <quant::Format... Formats>
using UnpackOf = PairList<Unpack<Formats>...>;
using UnpackPairs = quant::FormatList::into<UnpackOf>;

}  // namespace kigo::pairs
