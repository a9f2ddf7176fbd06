// Decoders gone wrong, as changes to the blocks that a right decoder then reads: the traps of
// docs/formats.md, section 7, for the mutants of every pair that decodes. And what the roundings of a dot
// product hang on.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/quant/formats.h"
#include "tests/pairs/blocks.h"

namespace kigo::pairs {

/// A copy of a host tensor of blocks of F, each of them changed.
template <quant::Format F, class Change>
Tensor changed_blocks(const Tensor& blocks, Change&& change) {
  Tensor changed = blocks;
  for (size_t at = 0; at < changed.data.size(); at += sizeof(typename F::Block)) {
    auto block = quant::load_block<F>(changed.data.data() + at);
    change(block);
    std::memcpy(changed.data.data() + at, &block, sizeof block);
  }
  return changed;
}

/// Row j takes the place of row j + 1, the last one that of the first.
inline Tensor shifted_rows(const Tensor& blocks) {
  Tensor shifted = blocks;
  if (blocks.shape[0] > 1) {
    const auto row_bytes = static_cast<std::ptrdiff_t>(blocks.data.size()) / blocks.shape[0];
    std::rotate(shifted.data.begin(), shifted.data.end() - row_bytes, shifted.data.end());
  }
  return shifted;
}

template <class Bytes>
void swap_nibbles(Bytes& bytes) {
  for (auto& byte : bytes) byte = static_cast<uint8_t>(byte << 4 | byte >> 4);
}

template <quant::Format F>
struct WrongBlocks {
  using Block = typename F::Block;
  std::string name;
  void (*change)(Block&);

  /// Those that apply to F, by the fields that its blocks have.
  static std::vector<WrongBlocks> all() {
    std::vector<WrongBlocks> wrong;
    codes(wrong);
    minimums(wrong);
    scales(wrong);
    return wrong;
  }

 private:
  static void codes(std::vector<WrongBlocks>& wrong) {
    if constexpr (requires(Block b) { b.ql; }) {
      wrong.push_back({"swaps the nibbles", [](Block& b) { swap_nibbles(b.ql); }});
    } else if constexpr (requires(Block b) { b.qs; }) {
      if constexpr (sizeof(Block::qs) * 2 == F::values)
        wrong.push_back({"swaps the nibbles", [](Block& b) { swap_nibbles(b.qs); }});
      if constexpr (sizeof(Block::qs) * 4 == F::values)
        wrong.push_back({"takes the stripes in another order", [](Block& b) { swap_nibbles(b.qs); }});
    }
    if constexpr (requires(Block b) { b.qs; }) {
      if constexpr (std::is_same_v<typename decltype(Block::qs)::value_type, int8_t>)
        wrong.push_back({"takes the codes without their sign", [](Block& b) {
                           for (auto& code : b.qs) code = static_cast<int8_t>(code & 0x7F);
                         }});
    }
    if constexpr (requires(Block b) { b.qh; })
      wrong.push_back({"leaves out the upper bits", [](Block& b) { b.qh.fill(0); }});
    if constexpr (requires(Block b) { b.hmask; }) {
      wrong.push_back({"subtracts 4 from every code", [](Block& b) { b.hmask.fill(0); }});
      wrong.push_back({"subtracts 4 where the third bit is set", [](Block& b) {
                         for (auto& byte : b.hmask) byte = static_cast<uint8_t>(~byte);
                       }});
    }
  }
  static void minimums(std::vector<WrongBlocks>& wrong) {
    if constexpr (requires(Block b) { b.dmin; })
      wrong.push_back({"adds the minimum", [](Block& b) { b.dmin.bytes[1] ^= 0x80; }});
    if constexpr (requires(Block b) { b.m; }) {
      wrong.push_back({"subtracts the minimum", [](Block& b) { b.m.bytes[1] ^= 0x80; }});
      wrong.push_back({"leaves out the minimum", [](Block& b) { b.m = {}; }});
    }
  }
  static void scales(std::vector<WrongBlocks>& wrong) {
    if constexpr (requires(Block b) { b.scales; }) {
      wrong.push_back({"takes the scales from the wrong bytes",
                       [](Block& b) { std::ranges::rotate(b.scales, b.scales.begin() + 1); }});
      if constexpr (std::is_same_v<typename decltype(Block::scales)::value_type, int8_t>) {
        wrong.push_back({"takes the scales without their sign", [](Block& b) {
                           for (auto& scale : b.scales) scale = static_cast<int8_t>(scale & 0x7F);
                         }});
      } else if constexpr (requires(Block b) { b.hmask; }) {
        wrong.push_back({"drops the upper bits of the scales",
                         [](Block& b) { std::fill(b.scales.begin() + 8, b.scales.end(), uint8_t{0}); }});
      } else if constexpr (sizeof(Block::scales) == 16) {
        wrong.push_back({"swaps scale and minimum", [](Block& b) { swap_nibbles(b.scales); }});
      } else {
        wrong.push_back({"drops the upper bits of the scales", [](Block& b) {
                           for (size_t i = 0; i < 8; ++i) b.scales[i] &= 63;
                         }});
      }
    }
    if constexpr (requires(Block b) { b.d; })
      wrong.push_back(
          {"takes the scale of a block without its sign", [](Block& b) { b.d.bytes.back() &= 0x7F; }});
    if constexpr (requires(Block b) { b.e; }) {
      wrong.push_back({"doubles the numbers and not halves the power", [](Block& b) { ++b.e; }});
      wrong.push_back({"takes the codes without their sign", [](Block& b) {
                         for (auto& byte : b.qs) byte &= 0x77;
                       }});
    }
  }
};

/// |scale * code| + |offset| of every element: value = scale * code + offset, and a kernel that sums the two
/// parts by themselves rounds in proportion to these. The offset is what is left of a block whose d is zero;
/// it is there for formats with a minimum only.
template <quant::Format F>
std::vector<double> magnitudes(const quant::TensorType& type, int64_t cols, const Tensor& blocks) {
  using Block = typename F::Block;
  const std::vector<float> values = decoded(type, cols, blocks);
  std::vector<double> out(values.begin(), values.end());
  if constexpr (
      requires(Block b) { b.dmin; } || requires(Block b) { b.m; }) {
    const std::vector<float> offsets =
        decoded(type, cols, changed_blocks<F>(blocks, [](Block& b) { b.d = {}; }));
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = std::abs(out[i] - double{offsets[i]}) + std::abs(double{offsets[i]});
  } else {
    for (double& value : out) value = std::abs(value);
  }
  return out;
}

}  // namespace kigo::pairs
