// Asks a model for a haiku that holds the current minute, and writes down everything that a verdict needs.
#pragma once

#include <functional>
#include <string>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/model/weights.h"
#include "core/text/tokenizer.h"
#include "tools/lib/engine.h"
#include "tools/lib/haiku_check.h"
#include "tools/lib/iso_time.h"

namespace kigo::tools {

/// 8 characters of a-z and 0-9 from the system's randomness.
std::string fresh_nonce();

struct HaikuOptions {
  std::string model_file;    // for the record
  std::string model_sha256;  // for the record
  bool shipped = false;      // the model is the one that ships with kigo: syllables are required
  std::string topic = "GPU computing";
  std::string command = "kigo haiku";  // for the record
  int attempts = 3;                    // a poem that misses is tried again with a new nonce
  int64_t max_tokens = 100;
  std::function<Time()> clock;  // empty: the system's
  std::function<std::string()> nonce = fresh_nonce;
};

/// The whole run on the engine, which holds the model, with the reference's opinion of it, but without a
/// verdict. Errors: those of generation.
Result<HaikuFiles> run_haiku(const model::Model& model, Engine& engine, const text::Tokenizer& tokenizer,
                             const HaikuOptions& options, const Lexicon& lexicon);

/// Writes the three files of the run, reads them back, computes verification.json from what was read and
/// writes it with test_report.md. Returns the verification. Errors: io.
Result<Json> write_and_verify(const HaikuFiles& files, const std::string& folder, const Lexicon& lexicon);

/// The second half alone, for a run that was recorded: reads its three files, which stay as they are.
Result<Json> verify_folder(const std::string& folder, const Lexicon& lexicon);

/// A new folder name in `parent` for a run: "20261121T073205Z-k3j9x0aa".
std::string run_folder(const std::string& parent, const HaikuFiles& files);

}  // namespace kigo::tools
