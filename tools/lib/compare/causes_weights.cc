// Weights as wrong decoders read them.
#include <algorithm>
#include <array>
#include <cstring>

#include "tests/pairs/wrong_blocks.h"
#include "tools/lib/compare/trials.h"

namespace kigo::tools {
namespace {

using Each = std::function<void(const char* id, const std::string& text, std::vector<std::byte>)>;

template <quant::Format F>
struct Wrong {
  using Block = typename F::Block;

  static std::vector<std::byte> changed(const gguf::Tensor& tensor,
                                        const std::function<void(Block&)>& change) {
    std::vector<std::byte> bytes(tensor.data.begin(), tensor.data.end());
    for (size_t at = 0; at < bytes.size(); at += sizeof(Block)) {
      auto block = quant::load_block<F>(bytes.data() + at);
      change(block);
      std::memcpy(bytes.data() + at, &block, sizeof block);
    }
    return bytes;
  }

  /// Codes of a byte as neighbours 2i and 2i + 1, not as i and i + half: within a run of `run` bytes.
  template <class Bytes>
  static void as_neighbours(Bytes& bytes, size_t run) {
    for (size_t first = 0; first < bytes.size(); first += run) {
      const Bytes old = bytes;
      const auto code = [&](size_t i) {
        const auto byte = static_cast<uint8_t>(old[first + i / 2]);
        return static_cast<uint8_t>(i % 2 == 0 ? byte & 15 : byte >> 4);
      };
      for (size_t i = 0; i < run; ++i) bytes[first + i] = static_cast<uint8_t>(code(i) | code(i + run) << 4);
    }
  }

  /// Scale and minimum of sub-block b are those of b + by, in the twelve bytes of Q4_K and Q5_K.
  static void turn_scales(std::array<uint8_t, 12>& bytes, size_t (*other)(size_t)) {
    std::array<int, 8> scale{}, minimum{};
    for (size_t b = 0; b < 8; ++b) {
      scale[b] = quant::Q4_K::scale_of(bytes, other(b));
      minimum[b] = quant::Q4_K::minimum_of(bytes, other(b));
    }
    for (size_t b = 0; b < 4; ++b) {
      bytes[b] = static_cast<uint8_t>(scale[b] | (scale[b + 4] >> 4) << 6);
      bytes[b + 4] = static_cast<uint8_t>(minimum[b] | (minimum[b + 4] >> 4) << 6);
      bytes[b + 8] = static_cast<uint8_t>((scale[b + 4] & 15) | (minimum[b + 4] & 15) << 4);
    }
  }
  static size_t before(size_t b) { return (b + 7) % 8; }
  static size_t in_pairs(size_t b) { return b ^ 1; }

  static void all(const gguf::Tensor& tensor, const Each& each) {
    const std::string of = std::string(F::name) + ": ";
    if constexpr (requires(Block b) { b.qs; }) {
      if constexpr (sizeof(Block::qs) * 2 == F::values)
        each("nibble-order", of + "takes the two nibbles of a byte as neighbours",
             changed(tensor, [](Block& b) { as_neighbours(b.qs, std::min<size_t>(b.qs.size(), 32)); }));
    }
    if constexpr (requires(Block b) { b.scales; }) {
      if constexpr (sizeof(Block::scales) == 12 && requires(Block b) { b.dmin; }) {
        each("scale-index", of + "sub-block b uses scale and minimum of b - 1",
             changed(tensor, [](Block& b) { turn_scales(b.scales, before); }));
        each("scale-index", of + "scales are swapped in pairs",
             changed(tensor, [](Block& b) { turn_scales(b.scales, in_pairs); }));
      } else {
        each("scale-index", of + "sub-block b uses the scale of b - 1",
             changed(tensor, [](Block& b) { std::ranges::rotate(b.scales, b.scales.end() - 1); }));
      }
    }
    if constexpr (requires(Block b) { b.d; })
      each("scale-index", of + "uses d of the block before", with_d_before(tensor));
    for (const auto& wrong : pairs::WrongBlocks<F>::all()) {
      const char* id = wrong.name.find("nibbles") != std::string::npos  ? "nibble-order"
                       : wrong.name.find("scales") != std::string::npos ? "scale-index"
                                                                        : "decode";
      each(id, of + wrong.name, changed(tensor, [&](Block& b) { wrong.change(b); }));
    }
  }

  static std::vector<std::byte> with_d_before(const gguf::Tensor& tensor) {
    auto d = quant::load_block<F>(tensor.data.data()).d;
    return changed(tensor, [&](Block& block) { std::swap(block.d, d); });
  }
};

template <class... Formats>
struct AnyFormat {
  static void all(const gguf::Tensor& tensor, const Each& each) { (one<Formats>(tensor, each), ...); }
  template <class F>
  static void one(const gguf::Tensor& tensor, const Each& each) {
    if constexpr (F::values > 1)
      if (tensor.type->id == F::gguf_id) Wrong<F>::all(tensor, each);
  }
};

}  // namespace

void wrong_weights(const gguf::Tensor& tensor, const Each& each) {
  quant::FormatList::into<AnyFormat>::all(tensor, each);
}

}  // namespace kigo::tools
