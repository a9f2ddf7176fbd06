// The numbers of a model, read from the metadata of its file and checked against each other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/gguf/file.h"
#include "core/model/architecture.h"

namespace kigo::model {

struct Config {
  const Architecture* architecture = nullptr;
  std::string name;  // general.name, may be empty
  int64_t vocab = 0;
  int64_t width = 0;
  int64_t layers = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t ffn_width = 0;
  int64_t context = 0;
  float norm_eps = 0;
  float rope_base = 0;
  int64_t rope_dims = 0;
  float rope_factor = 1;  // linear scaling: positions are divided by it
  std::vector<std::string>
      notes;  // defaults that were taken, for the report: "qwen2.attention.head_count_kv: 4, ..."
};

/// Errors: missing_key, wrong_type, bad_value, unsupported: the first that explain_config lists.
/// The vocabulary is the number of the tokenizer's tokens, or of rows of token_embd.weight when the file has
/// no tokenizer (then also missing_tensor, wrong_shape).
Result<Config> read_config(const gguf::File& file);

/// All that read_config could refuse, in the order of docs/gguf.md, section 6; empty for a good file.
std::vector<Error> explain_config(const gguf::File& file);

}  // namespace kigo::model
