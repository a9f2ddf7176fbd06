// Models of random weights, the same for a seed: real shapes and types without a download, and fixtures for
// tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/model/weights.h"
#include "core/quant/tensor_type.h"

namespace kigo::tools {

/// The family and the sizes of a model.
struct Shape {
  std::string_view name;
  std::string_view architecture = "qwen2";
  int64_t layers;
  int64_t width;
  int64_t heads;
  int64_t kv_heads;
  int64_t head_dim;
  int64_t ffn_width;
  int64_t vocab;   // at least 259 (bytes and ChatML tokens), or the file has no tokenizer
  int64_t unused;  // ids at the end of the vocabulary that only pad it
  int64_t context;
  float norm_eps;
  float rope_base;
  bool tied;
};

/// tiny, haiku, qwen2.5-0.5b, qwen2.5-7b, llama-3-8b.
std::span<const Shape> shapes();
/// Errors: invalid_request, naming those there are.
Result<Shape> find_shape(std::string_view name);

/// q4_k_m (a mixture: docs/formats.md, section 8), and one type for all matrices: those of quant::FormatList,
/// in lower case. Rows that a block does not divide fall back as in section 8; vectors are F32.
std::span<const std::string_view> type_names();

/// A tensor before it is drawn.
struct PlannedTensor {
  model::Role role;
  std::string name;
  std::vector<uint64_t> dims;  // fastest first
  const quant::TensorType* type;

  uint64_t blocks() const;
  uint64_t size_bytes() const { return blocks() * type->block_bytes; }
};

/// The tensors of a model in file order: those that its family requires, and the output matrix when it is not
/// tied. Errors: invalid_request for types that are not in type_names().
Result<std::vector<PlannedTensor>> plan_tensors(const Shape& shape, std::string_view types);

struct SeededModel {
  std::string shape;
  std::string types;
  uint64_t seed = 0;
};

/// Told after every few megabytes, and at the end with written == total.
using Progress = std::function<void(uint64_t written_bytes, uint64_t total_bytes)>;

/// Writes the model as a GGUF file whose matrices have a root mean square of 1/sqrt(row), so that activations
/// keep their size, norms near 1 and biases, where the family has them, of up to a half. The vocabulary is
/// synthetic: 256 byte tokens, filler words, ChatML's tokens; no merges. Same model, same bytes. Holds a few
/// megabytes at a time; the file appears whole or not at all. Errors: invalid_request, io.
Status make_model(const SeededModel& model, const std::string& path, const Progress& progress = {});
Status make_model(const Shape& shape, std::string_view types, uint64_t seed, const std::string& path,
                  const Progress& progress = {});

/// The same bytes in memory. Errors: invalid_request.
Result<std::vector<std::byte>> make_model_bytes(const SeededModel& model);
Result<std::vector<std::byte>> make_model_bytes(const Shape& shape, std::string_view types, uint64_t seed);

}  // namespace kigo::tools
