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
  std::string alias;                         // empty: general.name, or the file's stem
  std::optional<std::string> chat_template;  // a format by name; else the one of the file's template
};

/// Errors: those of model::open, Tokenizer::from_gguf and open_engine; invalid_request for a chat format that
/// is not known.
Result<std::unique_ptr<Loaded>> open_loaded(const ModelOptions& options, const LoadProgress& progress);

/// All that is wrong with a file, as far as it can be read; empty for a good one.
std::vector<Error> explain_model(const std::string& path);

}  // namespace kigo::tools
