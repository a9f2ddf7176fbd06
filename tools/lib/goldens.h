// Finding what programs outside kigo say about a model file: golden/logits/*.json, chosen by the file's hash.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace kigo::tools {

struct GoldenPrompt {
  std::string name;
  bool has_text = false;  // else only the ids are given
  std::string text;       // as a user would write it
  bool chat = false;      // `text` is a message: the chat format was put around it
  std::string rendered;   // what the tokenizer was given
  std::vector<uint32_t> tokens;
  int64_t first_row = 0;         // of this prompt in the .npy files
  std::vector<uint32_t> greedy;  // ids that Transformers chose
  std::vector<double> margins;   // at each of them, the largest logit minus the second largest
};

struct GoldenLogits {
  std::string name;              // "tiny-q4_k"
  std::string model;             // path below the golden folder
  std::string sha256;            // of the model
  std::string transformers;      // path of an .npy file, float32 [rows, vocab]
  std::string transformers_f64;  // the same from Transformers in float64, rounded once
  std::string llama_cpp;         // the same from llama.cpp on the F32 variant
  double largest_logit = 0;
  double llama_cpp_file =
      0;  // llama.cpp on the quantised file, as a share of the largest logit: for the report
  std::vector<GoldenPrompt> prompts;
};

/// The folder `golden`: KIGO_GOLDEN in the environment, else the one of the source tree.
std::string golden_folder();
/// The trained model in it, which every command uses unless another is named.
std::string shipped_model();

/// The record in a file golden/logits/NAME.json. Errors: io, bad_value.
Result<GoldenLogits> read_golden_logits(const std::string& path);

/// The record whose sha256 is the file's; nothing when there is none. Errors: io, bad_value of a broken
/// record.
Result<std::optional<GoldenLogits>> find_golden_logits(const std::string& folder, const std::string& sha256);

}  // namespace kigo::tools
