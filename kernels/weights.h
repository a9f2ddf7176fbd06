// The weights of a model in device memory, and where each of them lies.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/model/config.h"
#include "core/model/weights.h"
#include "core/ops/matrix.h"
#include "core/quant/tensor_type.h"
#include "kernels/runtime/buffer.h"

namespace kigo::kernels {

/// One tensor's place in the arena.
struct Place {
  model::Role role{};
  int64_t layer = 0;
  const gguf::Tensor* tensor = nullptr;  // null: the model has none, and nothing below counts
  bool matrix = false;                   // packed (core/ops/packing.h); else a vector of float
  int64_t rows = 0;                      // 1 for a vector
  int64_t cols = 0;
  int64_t offset = 0;  // from the start of the arena, a multiple of 256
  int64_t bytes = 0;   // in device memory
};

/// Where everything goes, known before any memory is taken. All weights share one allocation: one for each
/// tensor would lose up to 2 MiB a tensor to the driver's granularity, a third of a small model.
class WeightsLayout {
 public:
  /// Errors: unsupported, for a matrix of a type without a packed form.
  static Result<WeightsLayout> make(const model::Weights& weights, const model::Config& config);

  /// The size of the arena: exactly what load_weights() allocates for purpose `weights`.
  int64_t bytes() const { return bytes_; }
  /// Those that are there, in the order of the arena.
  const std::vector<Place>& places() const { return places_; }
  /// Null where the model has no such tensor. Layers as for model::Weights::find.
  const Place* find(model::Role role, int64_t layer) const;

 private:
  std::vector<Place> places_;
  std::vector<int> by_slot_;  // index of places_, or -1
  int64_t bytes_ = 0;
};

/// Owns the arena; load_weights() (loader.h) makes it. The file it came from must stay open: tensor types and
/// names are the file's.
class DeviceWeights {
 public:
  DeviceWeights(WeightsLayout layout, DeviceBuffer arena)
      : layout_(std::move(layout)), arena_(std::move(arena)) {}

  /// Packed blocks, aligned to 256 bytes; everything null and zero where the model has no such matrix.
  ops::Matrix<Space::Device> matrix(model::Role role, int64_t layer = 0) const;
  /// Widened to float, aligned to 256 bytes; empty where the model has no such vector.
  View<const float, 1, Space::Device> vector(model::Role role, int64_t layer = 0) const;
  /// The matrix that makes the logits: output.weight, or token_embd.weight when tied.
  ops::Matrix<Space::Device> head() const;

  const WeightsLayout& layout() const { return layout_; }
  int64_t bytes() const { return arena_.bytes(); }
  std::byte* data(const Place& place) { return arena_.data() + place.offset; }
  const std::byte* data(const Place& place) const { return arena_.data() + place.offset; }
  DeviceBuffer& arena() { return arena_; }

 private:
  WeightsLayout layout_;
  DeviceBuffer arena_;
};

}  // namespace kigo::kernels
