// A small seeded qwen2 or llama model in memory: 2 layers, width 64, 4 heads of 16 on 2 kv_heads, 40 tokens,
// context 128.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "core/base/random.h"
#include "core/model/weights.h"
#include "reference/model.h"
#include "tests/core/model/model_file.h"

namespace kigo::test {

class SmallModel {
 public:
  enum class Output { Tied, Untied };

  /// A llama has all that a file of it may have: biases, divisors of rope.
  explicit SmallModel(Output output = Output::Tied, uint64_t seed = 1,
                      const std::string& architecture = "qwen2")
      : content_(2, architecture) {
    if (architecture == "llama") add_what_a_llama_may_have();
    if (output == Output::Untied) content_.add("output.weight", {64, 40});
    Random random(seed);
    for (const gguf::Tensor& tensor : content_.file().tensors) {
      const bool matrix = tensor.dims.size() == 2;
      const bool norm = tensor.name.find("norm") != std::string_view::npos;
      // Matrices keep the length of a vector about as it is; norms scatter around one.
      const double scale = matrix ? 1 / std::sqrt(static_cast<double>(tensor.dims[0])) : 0.3;
      for (uint64_t i = 0; i < tensor.elements(); ++i) {
        if (tensor.name == "rope_freqs.weight") {
          set(tensor.name, i, static_cast<float>(random.uniform(1, 8)));
          continue;
        }
        set(tensor.name, i, static_cast<float>((norm ? 1 : 0) + scale * random.normal()));
      }
    }
    load();
  }

  SmallModel(const SmallModel&) = delete;  // weights point into content_
  SmallModel& operator=(const SmallModel&) = delete;

  float get(std::string_view name, uint64_t i) {
    float value;
    std::memcpy(&value, content_.data(name) + i * sizeof value, sizeof value);
    return value;
  }
  void set(std::string_view name, uint64_t i, float value) {
    std::memcpy(content_.data(name) + i * sizeof value, &value, sizeof value);
  }
  void fill(std::string_view name, float value) {
    for (uint64_t i = 0; i < tensor_size(name); ++i) set(name, i, value);
  }
  uint64_t tensor_size(std::string_view name) { return content_.tensor(name).elements(); }
  std::vector<std::string> tensor_names() const {
    std::vector<std::string> names;
    for (const gguf::Tensor& tensor : content_.file().tensors) names.emplace_back(tensor.name);
    return names;
  }

  reference::Session session(reference::Cache cache = reference::Cache::Double) const {
    return {config, weights, cache};
  }
  /// The logits of all positions, from a new session.
  std::vector<double> logits(std::span<const uint32_t> tokens,
                             reference::Cache cache = reference::Cache::Double) const {
    reference::Session fresh = session(cache);
    const auto rows = fresh.forward(tokens, reference::Logits::All);
    KIGO_CHECK(rows.has_value());
    return rows->values;
  }

  model::Config config;
  model::Weights weights;

 private:
  void add_what_a_llama_may_have() {
    content_.add("rope_freqs.weight", {8});
    for (const std::string blk : {"blk.0.", "blk.1."}) {
      content_.add(blk + "attn_q.bias", {64});
      content_.add(blk + "attn_k.bias", {32});
      content_.add(blk + "attn_v.bias", {32});
      content_.add(blk + "attn_output.bias", {64});
    }
  }
  void load() {
    auto read = model::read_config(content_.file());
    KIGO_CHECK(read.has_value());
    config = *read;
    auto found = model::find_weights(content_.file(), config);
    KIGO_CHECK(found.has_value());
    weights = *found;
  }
  model::ModelFile content_;
};

}  // namespace kigo::test
