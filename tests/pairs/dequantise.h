// dequantise on both sides, for every weight format.
#pragma once

#include <algorithm>
#include <array>

#include "core/base/cat.h"
#include "core/compare/close.h"
#include "core/ops/packing.h"
#include "kernels/dequantise.h"
#include "reference/dequantise.h"
#include "tests/pairs/data.h"
#include "tests/pairs/wrong_blocks.h"

namespace kigo::pairs {

enum class DequantiseBits : uint8_t {
  drawn,  // finite values
  any,    // every bit of every block at random: scales that are infinite, NaN or subnormal among them
  each,   // one block again and again, each time with another bit flipped
};

struct DequantiseCase {
  int64_t rows = 1;
  int64_t cols = 1;
  DequantiseBits bits = DequantiseBits::drawn;
  uint64_t seed = 1;
};

/// T = float, f16.
template <quant::Format F, class T>
struct Dequantise {
  using Bits = DequantiseBits;
  using Case = DequantiseCase;

  static constexpr auto non_finite = compare::NonFinite::as_wanted;
  static constexpr std::string_view never_empty = "a matrix has at least one row and one column";

  static std::string name() { return cat("dequantise_", lower(F::name), "_", type_name<T>()); }
  static Case arbitrary(const Draw& draw) {
    const int64_t most = F::values == 1 ? 5000 : F::values == 32 ? 150 : 20;
    return {draw_size(draw, 40), F::values * draw_size(draw, most, kSpans), static_cast<Bits>(draw(0, 1)),
            draw_seed(draw)};
  }
  static std::vector<Case> edges() {
    constexpr int64_t kBlock = F::values;
    // As many blocks as a block has bits, in rows of an odd number of blocks.
    constexpr int64_t kBits = 8 * static_cast<int64_t>(sizeof(typename F::Block));
    std::vector<Case> cases = {{1, kBlock},
                               {(kBits + 2) / 3, 3 * kBlock, Bits::each},
                               {400, 3 * kBlock, Bits::any},
                               {9, 5 * kBlock}};
    for (const int64_t cols : {896, 1023, 1024, 1025, 4864, 18944}) {
      if (cols % kBlock == 0) cases.push_back({3, cols});
    }
    return cases;
  }
  static std::vector<Case> bench() {
    std::vector<Case> cases;
    for (const auto& [rows, cols] : {std::array<int64_t, 2>{4864, 896}, {896, 4864}, {18944, 3584}}) {
      if (cols % F::values == 0) cases.push_back({rows, cols});
    }
    return cases;
  }
  /// 2.4 GiB of weights and as much output, in rows of odd length. A format of one plane can be repeated.
  static std::vector<Huge<Case>> huge() {
    if (F::name != "F16" || !std::is_same_v<T, f16>) return {};
    return {{{1024, 4097}, {300 * 1024, 4097}, 300, {"w", "y"}}};
  }
  static std::string text(const Case& c) {
    return cat("rows=", c.rows, " cols=", c.cols, " bits=", static_cast<int>(c.bits), " seed=", c.seed);
  }

  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    Tensor blocks = drawn_blocks("blocks", type(), c.rows, c.cols, 0.5, random);
    if (c.bits == Bits::any) {
      for (std::byte& byte : blocks.data) byte = static_cast<std::byte>(random.below(256));
    }
    if (c.bits == Bits::each) flip_each_bit(blocks);
    Tensor packed = packed_blocks("w", type(), c.cols, blocks);
    return {std::move(blocks), std::move(packed), written<T>("y", {c.rows, c.cols})};
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) { return run(c, in[0]); }

  /// Equal values: the decoders of both sides give the same float, which is rounded to T once.
  static Outputs bound(const Case&, std::span<const Tensor>, const Outputs&) { return {{}}; }

  static Status kernel(const Case& c, std::span<const Placed> at, kernels::Stream stream) {
    return kernels::dequantise<T>({.w = {at[0].data, &type(), c.rows, c.cols}, .y = at[1].view<T, 2>()},
                                  stream);
  }

  static std::vector<Mutant<Case>> mutants() {
    std::vector<Mutant<Case>> mutants = {
        {"takes the row before for each row",
         [](const Case& c, std::span<const Tensor> in) { return run(c, shifted_rows(in[0])); }},
        {"leaves out the last value", [](const Case& c, std::span<const Tensor> in) {
           auto outputs = run(c, in[0]);
           if (outputs) outputs->at(0).back() = 0;
           return outputs;
         }}};
    for (const WrongBlocks<F>& wrong : WrongBlocks<F>::all()) {
      mutants.push_back({wrong.name, [change = wrong.change](const Case& c, std::span<const Tensor> in) {
                           return run(c, changed_blocks<F>(in[0], change));
                         }});
    }
    return mutants;
  }
  static Cost cost(const Case& c) {
    const auto values = static_cast<double>(c.rows * c.cols);
    return {.bytes = values * (static_cast<double>(type().block_bytes) / type().block_values + sizeof(T)),
            .flops = 2 * values};
  }

 private:
  static constexpr std::array<int64_t, 3> kSpans{4, 32, 1024};  // spans of 1024 columns, in blocks

  static const quant::TensorType& type() { return *quant::find_tensor_type(F::gguf_id); }

  /// Every block becomes the first one with the bit of its own number flipped.
  static void flip_each_bit(Tensor& blocks) {
    const size_t size = sizeof(typename F::Block);
    const std::vector<std::byte> first(blocks.data.begin(),
                                       blocks.data.begin() + static_cast<std::ptrdiff_t>(size));
    for (size_t n = 0; n < blocks.data.size() / size; ++n) {
      std::byte* block = blocks.data.data() + n * size;
      std::ranges::copy(first, block);
      block[n / 8 % size] ^= std::byte{1} << static_cast<int>(n % 8);
    }
  }

  static Result<Outputs> run(const Case& c, const Tensor& blocks) {
    std::vector<T> y(static_cast<size_t>(c.rows * c.cols));
    KIGO_TRY(reference::dequantise<T>(
        {.w = host_matrix(type(), c.cols, blocks), .y = {y.data(), {c.rows, c.cols}}}));
    return Outputs{widened(TypeOf<T>::type, std::as_bytes(std::span(y)))};
  }
};

template <quant::Format... Formats>
using DequantiseOf = PairList<Dequantise<Formats, float>..., Dequantise<Formats, f16>...>;
using DequantisePairs = quant::FormatList::into<DequantiseOf>;

}  // namespace kigo::pairs
