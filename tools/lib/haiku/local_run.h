// The haiku test without a server: an engine in this process, and its own reference.
#pragma once

#include <string>

#include "core/base/result.h"
#include "core/model/weights.h"
#include "core/text/tokenizer.h"
#include "tools/lib/engine.h"
#include "tools/lib/haiku/examiner.h"
#include "tools/lib/haiku/run_files.h"

namespace kigo::tools {

struct LocalRunOptions : Questions {
  std::string model_file;    // for the record
  std::string model_sha256;  // for the record
  bool shipped = false;      // the model is the one that ships with kigo: syllables are required
};

/// The answer is generated one token at a time on the engine, which holds the model, and goes through the
/// reference in one pass, with the engine's cache and products. No verdict yet. Errors: those of generation
/// and of the reference.
Result<RunFiles> run_locally(const model::Model& model, Engine& engine, const text::Tokenizer& tokenizer,
                             const LocalRunOptions& options, const Lexicon& lexicon);

}  // namespace kigo::tools
