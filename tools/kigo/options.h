// Options that several subcommands share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/sample/sampler.h"
#include "tools/kigo/command.h"
#include "tools/lib/engine.h"
#include "tools/lib/goldens.h"
#include "tools/lib/prompt.h"

namespace kigo::tools {

/// Accepts 0..limit in decimal digits: CLI11 itself reads -1 as 2^64 - 1 and cuts what is too large.
CLI::Validator whole_number(uint64_t limit);

/// Accepts low..high; CLI11's own range lets NaN through.
CLI::Validator number_between(double low, double high);

/// A value must be there: an empty one is an unset shell variable, or what CLI11 would read as 0.
CLI::Validator not_empty();

/// A file that an option names.
struct NamedFile {
  const char* option;
  std::string path;
};

/// Refuses a command line (throws as CLI11 does) that would write over what it reads, or over what it writes:
/// an output that is one of the inputs, by whatever name, or a .jsonl in a folder among them; or two outputs
/// that are one file. Options without a value are passed over.
void refuse_overwriting(const std::vector<NamedFile>& outputs, const std::vector<std::string>& inputs);

/// --model FILE
inline void add_model_option(CLI::App& command, std::string& model) {
  model = shipped_model();
  command.add_option("-m,--model", model, "GGUF file; without it the model that ships with kigo");
}

/// --tokens, --prompt and --chat (one of them, unless none is required), and --system.
void add_prompt_options(CLI::App& command, Prompt& prompt, bool required = true);

/// How the tokens of a run are dealt out to calls, as plan_calls() takes it, and where it runs.
struct RunOptions {
  int64_t steps = 0;
  int64_t chunk = 512;
  int device = 0;
};

/// --steps, --chunk and --device
void add_run_options(CLI::App& command, RunOptions& options);

/// --temperature, --top-k, --top-p, --min-p and --repetition-penalty
void add_sampling_options(CLI::App& command, sample::Params& params);

/// --backend, --reference, --kv, --prefill, --weights and --device
void add_engine_options(CLI::App& command, EngineOptions& options);

}  // namespace kigo::tools
