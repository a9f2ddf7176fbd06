#include "tests/pairs/blocks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "core/ops/packing.h"
#include "core/quant/formats.h"
#include "reference/repack.h"
#include "tests/pairs/data.h"

namespace kigo::pairs {
namespace {

void store(double value, quant::HalfBytes& out) {
  const uint16_t bits = to_f16(value).bits;
  out = {{static_cast<uint8_t>(bits & 0xFF), static_cast<uint8_t>(bits >> 8)}};
}
void store(double value, quant::FloatBytes& out) {
  out = std::bit_cast<quant::FloatBytes>(static_cast<float>(value));
}

/// Sets every scale of the block to `d`, those of minimums to `minimum`; the names are those of ggml's
/// blocks. A block with an exponent takes the power of two that is nearest to |d|.
template <class Block>
void set_scales(Block& block, double d, double minimum) {
  if constexpr (requires { block.e; }) {
    block.e = static_cast<uint8_t>(std::clamp(std::lround(std::log2(std::abs(d))) + 127, 0L, 252L));
  } else {
    store(d, block.d);
    if constexpr (requires { block.dmin; }) store(minimum, block.dmin);
    if constexpr (requires { block.m; }) store(minimum, block.m);
  }
}

template <quant::Format F>
double root_mean_square(const typename F::Block& block) {
  std::array<float, F::values> values;
  F::decode(block, values.data());
  double squares = 0;
  for (const float value : values) squares += double{value} * double{value};
  return std::sqrt(squares / F::values);
}

template <quant::Format F>
void draw_block(Random& random, double scale, std::byte* out) {
  typename F::Block block;
  for (size_t done = 0; done < sizeof block; done += 8) {
    const uint64_t word = random.next();
    std::memcpy(reinterpret_cast<std::byte*>(&block) + done, &word, std::min<size_t>(8, sizeof block - done));
  }
  if constexpr (
      requires { block.d; } || requires { block.e; }) {
    // Values are linear in the scales: measure them at scales of about one, then bring them where they
    // belong.
    const double sign = random.below(8) == 0 ? -1 : 1, minimum = random.uniform(2, 10);
    const double wanted = sign * scale * random.uniform(0.5, 1.5);
    set_scales(block, 1, minimum);
    const double found = root_mean_square<F>(block);
    const double d = found > 0 ? wanted / found : wanted;
    set_scales(block, d, minimum * d);
  } else {
    static_assert(F::values == 1, "a block format whose scale is neither d nor e: say here how to draw it");
    const double value = scale * random.normal();
    if constexpr (std::is_same_v<F, quant::F32>) {
      block = std::bit_cast<typename F::Block>(static_cast<float>(value));
    } else if constexpr (std::is_same_v<F, quant::BF16>) {
      block = std::bit_cast<typename F::Block>(to_bf16(static_cast<float>(value)));
    } else {
      static_assert(std::is_same_v<F, quant::F16>, "a scalar format: say here how a value is stored");
      block = std::bit_cast<typename F::Block>(to_f16(value));
    }
  }
  std::memcpy(out, &block, sizeof block);
}

struct Row {
  uint32_t id;
  void (*draw)(Random& random, double scale, std::byte* out);
};
template <quant::Format... Formats>
struct Drawable {
  static constexpr std::array rows = std::to_array<Row>({{Formats::gguf_id, &draw_block<Formats>}...});
};

}  // namespace

Tensor drawn_blocks(std::string name, const quant::TensorType& type, int64_t rows, int64_t cols, double scale,
                    Random& random) {
  constexpr auto& table = quant::FormatList::into<Drawable>::rows;
  const auto format = std::ranges::find(table, type.id, &Row::id);
  KIGO_CHECK(format != table.end() && cols % type.block_values == 0);
  const int64_t row_bytes = cols / type.block_values * type.block_bytes;
  Tensor tensor{std::move(name), Part::host, Type::bytes, {rows, row_bytes}, {}, false};
  tensor.data.resize(static_cast<size_t>(rows * row_bytes));
  const size_t drawn = std::min(tensor.data.size(), kDrawnAtMost * type.block_bytes);
  for (size_t at = 0; at < drawn; at += type.block_bytes)
    format->draw(random, scale, tensor.data.data() + at);
  repeat(std::span(tensor.data), drawn);
  return tensor;
}

Tensor packed_blocks(std::string name, const quant::TensorType& type, int64_t cols, const Tensor& blocks) {
  const int64_t rows = blocks.shape[0], bytes = ops::packed_bytes(type, rows, cols);
  Tensor tensor{std::move(name), Part::in, Type::bytes, {bytes}, {}, false};
  tensor.data.resize(static_cast<size_t>(bytes));  // zeros, also where planes are padded
  const ops::Repack<Space::Host> op{.type = &type,
                                    .rows = rows,
                                    .cols = cols,
                                    .first_row = 0,
                                    .blocks = {blocks.data.data(), {blocks.elements()}},
                                    .packed = {tensor.data.data(), {bytes}}};
  KIGO_CHECK(reference::repack(op).has_value());
  return tensor;
}

ops::Matrix<Space::Host> host_matrix(const quant::TensorType& type, int64_t cols, const Tensor& blocks) {
  return {blocks.data.data(), &type, blocks.shape[0], cols};
}

std::vector<float> decoded(const quant::TensorType& type, int64_t cols, const Tensor& blocks) {
  std::vector<float> out(static_cast<size_t>(blocks.shape[0] * cols));
  type.decode(blocks.data.data(), blocks.shape[0] * cols, out.data());
  return out;
}

}  // namespace kigo::pairs
