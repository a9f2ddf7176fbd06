// A model file with everything that runs it on the GPU, for tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/cat.h"
#include "core/base/sha256.h"
#include "core/model/weights.h"
#include "kernels/model.h"
#include "reference/model.h"
#include "tests/support/gpu.h"
#include "tools/lib/goldens.h"
#include "tools/lib/seeded_model.h"

namespace kigo::test {

inline model::Model open_model(const std::string& path) {
  Result<model::Model> opened = model::open(path);
  if (!opened) ADD_FAILURE() << opened.error().message();
  KIGO_CHECK(opened.has_value());
  return std::move(*opened);
}

/// "haiku" or "tiny-q4_k": a file of the folder golden.
inline std::string golden_model(const std::string& name) {
  return tools::golden_folder() +
         (name == "haiku" ? "/haiku/haiku-q4_k_m.gguf" : cat("/tiny/", name, ".gguf"));
}

inline const std::vector<std::string> kGoldenModels = {
    "haiku",     "tiny-f16",  "tiny-q4_k",    "tiny-q4_k_m", "tiny-q6_k",
    "tiny-q8_0", "llama-f16", "llama-q4_k_m", "llama-q6_k",  "llama-q3_k_m"};

/// Prompts of the golden records of a file; each has at least one token.
inline std::vector<std::vector<uint32_t>> golden_prompts(const model::Model& file) {
  const auto record = tools::find_golden_logits(tools::golden_folder(), sha256(file.source.map.bytes()));
  KIGO_CHECK(record.has_value() && record->has_value());
  std::vector<std::vector<uint32_t>> prompts;
  for (const tools::GoldenPrompt& prompt : (*record)->prompts) prompts.push_back(prompt.tokens);
  return prompts;
}

/// A file, a GPU, the model on it, and a session. Members end in the reverse of this order.
class Loaded {
 public:
  Loaded(const std::string& path, const kernels::Options& options,
         kernels::MemorySource memory = kernels::cuda_memory())
      : file(open_model(path)), context(make_context(std::move(memory))) {
    auto loaded = kernels::Model::load(context, file, options);
    if (!loaded) ADD_FAILURE() << loaded.error().message();
    KIGO_CHECK(loaded.has_value());
    model = std::move(*loaded);
    session = new_session();
  }
  Loaded(const Loaded&) = delete;  // the model keeps the context's address
  Loaded& operator=(const Loaded&) = delete;

  std::unique_ptr<kernels::Session> new_session() {
    auto made = kernels::Session::create(*model);
    if (!made) ADD_FAILURE() << made.error().message();
    KIGO_CHECK(made.has_value());
    return std::move(*made);
  }

  model::Model file;
  kernels::Context context;
  std::unique_ptr<kernels::Model> model;
  std::unique_ptr<kernels::Session> session;
};

/// The logits of forward(), which must succeed.
inline std::vector<double> logits_of(model::Session& session, std::span<const uint32_t> tokens,
                                     model::Logits which, const model::TapSink& taps = {}) {
  const Result<model::Rows> rows = session.forward(tokens, which, taps);
  if (!rows) ADD_FAILURE() << rows.error().message();
  return rows ? rows->values : std::vector<double>();
}

/// The logits of all tokens, each by a decode step of its own.
inline std::vector<double> decoded_logits(kernels::Session& session, std::span<const uint32_t> tokens) {
  std::vector<double> all;
  for (const uint32_t token : tokens) {
    const Result<uint32_t> id = session.decode(token);
    const Result<model::Rows> row = session.last_logits();
    if (!id || !row) ADD_FAILURE() << (id ? row.error() : id.error()).message();
    if (!id || !row) return all;
    all.insert(all.end(), row->values.begin(), row->values.end());
  }
  return all;
}

/// A seeded model's file, removed at the end.
class SeededFile {
 public:
  SeededFile(const std::string& shape, const std::string& types)
      : path_((std::filesystem::temp_directory_path() / cat("kigo-test-", shape, '-', types, ".gguf"))
                  .string()) {
    const Status made = tools::make_model(tools::SeededModel{shape, types, 1}, path_);
    if (!made) ADD_FAILURE() << made.error().message();
    KIGO_CHECK(made.has_value());
  }
  SeededFile(const SeededFile&) = delete;
  SeededFile& operator=(const SeededFile&) = delete;
  ~SeededFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Ids that look like nothing in particular, the same every time.
inline std::vector<uint32_t> some_tokens(int64_t count, int64_t vocab) {
  std::vector<uint32_t> ids;
  for (int64_t i = 0; i < count; ++i) ids.push_back(static_cast<uint32_t>((7 + 131 * i) % vocab));
  return ids;
}

}  // namespace kigo::test
