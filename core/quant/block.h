// What the weight formats share: fields read from bytes, and the requirements on one format.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "core/base/fault.h"
#include "core/base/half.h"

namespace kigo::quant {

/// A binary16 as its two bytes lie in a file. Blocks are made of bytes alone, so that they may stand at any
/// address: most block sizes (18, 22, 34, 210) are no multiple of 4.
struct HalfBytes {
  std::array<uint8_t, 2> bytes{};
  constexpr f16 half() const { return {static_cast<uint16_t>(bytes[0] | (bytes[1] << 8))}; }
  constexpr float value() const { return to_float(half()); }
  constexpr bool finite() const { return (half().bits & 0x7C00) != 0x7C00; }
};

/// A binary32 as its four bytes lie in a file.
struct FloatBytes {
  std::array<uint8_t, 4> bytes{};
  constexpr uint32_t bits() const {
    return bytes[0] | uint32_t{bytes[1]} << 8 | uint32_t{bytes[2]} << 16 | uint32_t{bytes[3]} << 24;
  }
  constexpr float value() const { return std::bit_cast<float>(bits()); }
  constexpr bool finite() const { return (bits() & 0x7F800000u) != 0x7F800000u; }
};

constexpr int low_nibble(uint8_t byte) { return byte & 15; }
constexpr int high_nibble(uint8_t byte) { return byte >> 4; }

/// One weight format.
///
/// `value(block, i)` is the definition: element i of a block, written as the contract writes it, usable at
/// compile time. `decode` gives the same bits for the whole block and is written for speed; tests hold it to
/// `value`. `finite` says whether the block's scales (for scalars: its value) are finite.
template <class F>
concept Format = requires(const typename F::Block& block, int i, float* out) {
  { F::name } -> std::convertible_to<std::string_view>;
  { F::gguf_id } -> std::convertible_to<uint32_t>;
  { F::values } -> std::convertible_to<int>;
  { F::value(block, i) } -> std::same_as<float>;
  { F::finite(block) } -> std::same_as<bool>;
  { F::decode(block, out) } -> std::same_as<void>;
} && std::is_trivially_copyable_v<typename F::Block> && alignof(typename F::Block) == 1;

/// The block at any address, aligned or not.
template <Format F>
typename F::Block load_block(const std::byte* at) {
  typename F::Block block;
  std::memcpy(&block, at, sizeof block);
  return block;
}

/// Decodes `values` (a multiple of F::values) elements of a row of blocks.
template <Format F>
void decode_row(const std::byte* row, int64_t values, float* out) {
  for (int64_t done = 0; done < values; done += F::values, row += sizeof(typename F::Block)) {
    typename F::Block block = load_block<F>(row);
    if constexpr (requires { block.d; }) {
      if (KIGO_FAULT(F58B) && done != 0) block.d = load_block<F>(row - sizeof block).d;
    }
    F::decode(block, out + done);
  }
}

}  // namespace kigo::quant
