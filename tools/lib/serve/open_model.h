// From a file to all that a ready worker runs on.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "tools/lib/engine.h"
#include "tools/lib/serve/worker.h"

namespace kigo::tools {

struct ModelOptions {
  std::string path;
  EngineOptions engine;
  int64_t kv_cache_mib = 0;                  // 0: what the context needs
  int64_t kv_cache_bytes = 0;                // the same for who counts in bytes; one of the two
  std::string alias;                         // empty: general.name, or the file's stem
  std::optional<std::string> chat_template;  // a format by name; else the one of the file's template
  std::string expected_architecture = {};    // empty: any
};

/// The context of the options, cut to what keys and values of so many bytes hold: on a GPU in half, on the
/// CPU in double. Errors: out_of_memory when that is too little for what was asked for, or for 16 positions.
Result<int64_t> context_of(const ModelOptions& options, const model::Config& config);

/// That the CPU has free memory for what the backend will take, `placed_bytes` of it being there already.
/// On a GPU the backend has asked before it took anything. Errors: out_of_memory.
Status check_memory(const Backend& backend, const std::string& subject, int64_t placed_bytes = 0);

/// Errors: those of model::open, Tokenizer::from_gguf and open_engine; invalid_request for a chat format that
/// is not known; bad_value for another architecture than the expected one.
Result<std::unique_ptr<Loaded>> open_loaded(const ModelOptions& options, const LoadProgress& progress);

/// All that is wrong with a file, as far as it can be read; empty for a good one.
std::vector<Error> explain_model(const std::string& path);

}  // namespace kigo::tools
