// What the reference says about the answers of a haiku test: reference.json.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/model/weights.h"
#include "core/sample/sampler.h"
#include "core/text/tokenizer.h"
#include "reference/model.h"
#include "tools/lib/haiku/exchange.h"

namespace kigo::tools {

struct JudgeOptions {
  reference::Cache cache = reference::Cache::Double;
  reference::Products products = reference::Products::Plain;
  double noise = 0;  // that the logits of who answered may have, as a share of the signal: logit_noise.h
};

/// For every exchange the ids that the reference would have chosen and their margins, from one pass over the
/// prompt and the ids of the answer. Errors: those of the chat format, the forward pass and the sampler.
Result<Json> judge(const model::Model& model, const text::Tokenizer& tokenizer,
                   std::span<const Exchange> exchanges, const JudgeOptions& options);

/// The model for the record: file, sha256, bytes, shipped, architecture, vocab.
Json describe(const model::Model& model, const text::Tokenizer& tokenizer, const std::string& file,
              const std::string& sha256, bool shipped);

/// What a request asks of the sampler; members that are absent have the worker's defaults.
sample::Params params_of(const Json& body);
/// The ids that a request is answered to.
Result<std::vector<uint32_t>> prompt_ids(const text::Tokenizer& tokenizer, const Json& body);

}  // namespace kigo::tools
