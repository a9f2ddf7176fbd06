// The products of a layer, and a model's matrices expanded to f16, those of one product side by side.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/half.h"
#include "core/base/result.h"
#include "core/base/view.h"
#include "core/model/config.h"
#include "core/model/weights.h"
#include "core/ops/matrix.h"
#include "kernels/runtime/buffer.h"
#include "kernels/runtime/stream.h"
#include "kernels/runtime/vram.h"
#include "kernels/weights.h"

namespace kigo::kernels {

/// Matrices that are multiplied by the same rows: one product each when they lie side by side.
enum class Product : uint8_t { qkv, attn_output, gate_up, ffn_down, head };

/// In the order in which their outputs stand in a row. `head` names output, which a tied model does not have.
std::span<const model::Role> roles(Product product);

/// Rows and columns of all its matrices together.
struct ProductShape {
  int64_t out = 0;
  int64_t in = 0;
};
ProductShape shape(Product product, const model::Config& config);

/// Writes the matrices of a product below each other as f16: [out, in]. Errors: those of dequantise.
Status expand(Product product, int64_t layer, const DeviceWeights& packed, View<f16, 2, Space::Device> y,
              Stream stream);

/// All weights of a model in f16, each rounded once to nearest, and its vectors in float. Weights beyond
/// 65504 become infinite.
class HalfWeights {
 public:
  static int64_t bytes(const model::Config& config, const model::Weights& weights);
  /// Waits until `packed` is no longer read. Errors: out_of_memory, cuda.
  static Result<HalfWeights> make(const DeviceWeights& packed, const model::Config& config,
                                  const model::Weights& weights, Vram& vram, Stream stream);

  /// Reads everything back and compares it with the file. Errors: bad_data naming the tensor and the place;
  /// cuda.
  Status verify(const model::Weights& weights, Stream stream) const;

  /// [out, in]
  View<const f16, 2, Space::Device> matrices(Product product, int64_t layer = 0) const;
  /// Empty where the model has none.
  View<const float, 1, Space::Device> vector(model::Role role, int64_t layer = 0) const;
  /// As a matrix of type F16.
  ops::Matrix<Space::Device> embedding() const;

 private:
  struct Cell {
    int64_t offset_bytes = 0;
    int64_t count = 0;  // elements; 0: the model has no such thing
  };
  /// Where everything lies.
  struct Layout {
    std::vector<Cell> products;  // 4 a layer, then the head's
    std::vector<Cell> vectors;   // as many a layer as there are roles; output_norm with the first
    Cell embedding;              // the head's when tied
    int64_t bytes = 0;

    static size_t product(Product product, int64_t layer, int64_t layers);
    static size_t vector(model::Role role, int64_t layer);
  };
  static Layout lay_out(const model::Config& config, const model::Weights& weights);
  std::byte* at(const Cell& cell) const { return const_cast<std::byte*>(arena_.data()) + cell.offset_bytes; }

  model::Config config_;
  Layout layout_;
  DeviceBuffer arena_;
};

}  // namespace kigo::kernels
