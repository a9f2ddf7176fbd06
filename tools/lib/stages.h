// The stages of `kigo verify`, each a comparison that stands on its own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/model/weights.h"
#include "core/text/tokenizer.h"
#include "tools/lib/engine.h"
#include "tools/lib/goldens.h"
#include "tools/lib/verification.h"

namespace kigo::tools {

/// What the stages look at.
struct Subject {
  const model::Model& model;
  const text::Tokenizer* tokenizer;  // null when the file has none
  const std::optional<GoldenLogits>& golden;
  const VerificationOptions& options;
  Engine& engine;  // whom to ask for the haiku
};

using Stages = Result<std::vector<Stage>>;

Stage failed_stage(std::string name, std::string checked, const Error& error);
Stage stage_of(bool pass, std::string name, std::string checked, std::string detail = {});

/// Every type that the model's tensors have, against blocks decoded by other programs; then every tensor, for
/// values that are not finite.
Stages decode_stages(const Subject& subject);

/// Texts through ids and back; ids and texts from Hugging Face tokenizers, where there are some for this
/// file.
Stages tokenizer_stages(const Subject& subject);

/// A prompt at once and token by token must give the same bits.
Stage prefill_stage(const Subject& subject);

/// Logits of all positions of the golden prompts against two programs. subject.golden is there.
Stages logits_stages(const Subject& subject);

/// Greedy continuations against those of Transformers, token by token over one cache. Each id is compared
/// before the next is fed, so equality here is equality of the free-running continuation. subject.golden is
/// there.
Stage greedy_stage(const Subject& subject);

/// What lies in the memory of subject.engine, which is not the reference; its checkpoints; its logits, token
/// by token and behind prompts, the same calls again, and its greedy continuations, against the reference.
Stages engine_stages(const Subject& subject);

/// Every checkpoint of a prompt and of steps behind it that subject.engine hands out, against the stage
/// computed again from its own input, within the bound of the operation: every kernel at the shapes of this
/// model.
Stage checkpoints_stage(const Subject& subject);

/// What engines are asked: the golden prompts, or a few ids where there are none. Never empty.
std::vector<std::vector<uint32_t>> prompts_of(const Subject& subject);

/// The haiku test; `poem` gets the answer.
Result<Stage> haiku_stage(const Subject& subject, const std::string& sha256, std::string& poem);

}  // namespace kigo::tools
