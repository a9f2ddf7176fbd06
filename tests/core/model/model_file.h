// A small qwen2 or llama file in memory, to be spoilt one fact at a time.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/check.h"
#include "core/gguf/file.h"
#include "core/model/weights.h"

namespace kigo::model {

/// Layers 2, width 64, 4 heads of 16 on 2 kv_heads, ffn_width 96, 40 tokens, tied. All values are one.
class ModelFile {
 public:
  explicit ModelFile(int64_t layers = 2, const std::string& architecture = "qwen2") {
    const std::string own = architecture + ".";
    file_.data_offset = 0x10000;
    set("general.architecture", keep(architecture));
    set("general.name", std::string_view("small"));
    set(own + "context_length", uint32_t{128});
    set(own + "embedding_length", uint32_t{64});
    set(own + "block_count", static_cast<uint32_t>(layers));
    set(own + "feed_forward_length", uint32_t{96});
    set(own + "attention.head_count", uint32_t{4});
    set(own + "attention.head_count_kv", uint32_t{2});
    set(own + "attention.layer_norm_rms_epsilon", 1e-6f);
    set(own + "rope.freq_base", 1e6f);
    set("tokenizer.ggml.model", std::string_view("gpt2"));
    set("tokenizer.ggml.tokens", tokens(40));
    add("token_embd.weight", {64, 40});
    for (int64_t layer = 0; layer < layers; ++layer) add_layer(layer, architecture == "qwen2");
    add("output_norm.weight", {64});
  }

  static gguf::Array empty_array(gguf::ValueType element) {
    gguf::Array array;
    array.element = element;
    return array;
  }
  static gguf::Array tokens(size_t count) {
    gguf::Array array = empty_array(gguf::ValueType::string);
    array.count = count;
    array.strings.assign(count, "t");
    return array;
  }

  /// Replaces the value where the key is there, else appends the pair.
  void set(std::string_view key, gguf::Value value) {
    const auto at = std::ranges::find(file_.metadata, key, &gguf::Pair::key);
    if (at != file_.metadata.end()) {
      at->value = std::move(value);
    } else {
      file_.metadata.push_back({keep(key), std::move(value), 24 + 100 * file_.metadata.size()});
    }
  }
  void erase(std::string_view key) {
    KIGO_CHECK(std::erase_if(file_.metadata, [&](const gguf::Pair& pair) { return pair.key == key; }) == 1);
  }

  void add(std::string_view name, std::vector<uint64_t> dims, std::string_view type = "F32") {
    gguf::Tensor tensor;
    tensor.name = keep(name);
    tensor.dims = std::move(dims);
    tensor.offset = file_.tensors.empty() ? 0 : file_.tensors.back().offset + 0x1000;
    tensor.entry_offset = 5000 + 100 * file_.tensors.size();
    file_.tensors.push_back(std::move(tensor));
    retype(name, type);
  }
  void erase_tensor(std::string_view name) {
    KIGO_CHECK(std::erase_if(file_.tensors, [&](const gguf::Tensor& each) { return each.name == name; }) ==
               1);
  }
  gguf::Tensor& tensor(std::string_view name) {
    const auto at = std::ranges::find(file_.tensors, name, &gguf::Tensor::name);
    KIGO_CHECK(at != file_.tensors.end());
    return *at;
  }
  void reshape(std::string_view name, std::vector<uint64_t> dims) {
    tensor(name).dims = std::move(dims);
    retype(name, tensor(name).type->name);
  }
  /// F32 gets ones; blocks get bytes of one, which are small finite scales everywhere.
  void retype(std::string_view name, std::string_view type) {
    gguf::Tensor& changed = tensor(name);
    changed.type = quant::find_tensor_type(type);
    KIGO_CHECK(changed.type != nullptr);
    const uint64_t blocks = changed.elements() / changed.type->block_values;
    std::vector<std::byte>& data = data_.emplace_back(blocks * changed.type->block_bytes, std::byte{1});
    const float one = 1;
    for (size_t i = 0; type == "F32" && i < data.size(); i += sizeof one)
      std::memcpy(&data[i], &one, sizeof one);
    changed.data = data;
  }
  /// The bytes of a tensor, to be overwritten.
  std::byte* data(std::string_view name) {
    const auto at =
        std::ranges::find(data_, tensor(name).data.data(), [](const auto& each) { return each.data(); });
    KIGO_CHECK(at != data_.end());
    return at->data();
  }

  const gguf::File& file() const { return file_; }
  uint64_t offset_of_key(std::string_view key) const { return file_.find_pair(key)->offset; }
  uint64_t offset_of(std::string_view name) const { return file_.find_tensor(name)->entry_offset; }

 private:
  std::string_view keep(std::string_view text) { return names_.emplace_back(text); }

  void add_layer(int64_t layer, bool biases) {
    const std::string blk = "blk." + std::to_string(layer) + ".";
    add(blk + "attn_norm.weight", {64});
    add(blk + "attn_q.weight", {64, 64});
    if (biases) add(blk + "attn_q.bias", {64});
    add(blk + "attn_k.weight", {64, 32});
    if (biases) add(blk + "attn_k.bias", {32});
    add(blk + "attn_v.weight", {64, 32});
    if (biases) add(blk + "attn_v.bias", {32});
    add(blk + "attn_output.weight", {64, 64});
    add(blk + "ffn_norm.weight", {64});
    add(blk + "ffn_gate.weight", {64, 96});
    add(blk + "ffn_up.weight", {64, 96});
    add(blk + "ffn_down.weight", {96, 64});
  }

  gguf::File file_;
  std::deque<std::string> names_;
  std::deque<std::vector<std::byte>> data_;
};

/// Everything that model::open does after reading the file.
inline Status accept(const gguf::File& file) {
  KIGO_ASSIGN(const Config config, read_config(file));
  KIGO_ASSIGN(const Weights weights, find_weights(file, config));
  return check_data(file, config, weights);
}

inline void PrintTo(const Status& status, std::ostream* out) {
  *out << (status ? "accepted" : status.error().message());
}

/// The whole error must be the expected one: code, subject, found, expected, offset.
inline void expect_refused(const ModelFile& model, const Error& expected) {
  const Status status = accept(model.file());
  ASSERT_FALSE(status) << "accepted, expected " << expected.message();
  EXPECT_EQ(status.error().message(), expected.message());
  EXPECT_EQ(status.error(), expected);
}

/// A key's error, with the offset of its pair.
inline void expect_refused_key(const ModelFile& model, Code code, const std::string& key,
                               const std::string& found, const std::string& expected) {
  expect_refused(model, {code, key, found, expected, model.offset_of_key(key)});
}

/// A tensor's error, with the offset of its entry.
inline void expect_refused_tensor(const ModelFile& model, Code code, const std::string& name,
                                  const std::string& found, const std::string& expected) {
  expect_refused(model, {code, name, found, expected, model.offset_of(name)});
}

}  // namespace kigo::model
