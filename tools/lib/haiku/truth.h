// The truth of a haiku test: the reference on the CPU, on the worker's file, in the test's own process.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/model/weights.h"
#include "core/text/tokenizer.h"
#include "tools/lib/haiku/exchange.h"

namespace kigo::tools {

/// Says at every position which id it would have chosen. In a build with seeded faults it has none of them.
class Truth {
 public:
  /// Errors: those of model::open and of the tokenizer.
  static Result<std::unique_ptr<Truth>> open(const std::string& path);

  const text::Tokenizer& tokenizer() const { return tokenizer_; }
  /// As describe() has it.
  Json description() const;

  /// reference.json: for every exchange its ids and margins, from one pass over its prompt and the worker's
  /// own ids. `kernels`: the worker runs on a GPU, so keys and values are rounded to half, and `errors` says
  /// how far its logits may be off. Errors: those of the forward pass and of the sampler.
  Result<Json> judge(std::span<const Exchange> exchanges, bool kernels) const;

 private:
  Truth(std::string path, model::Model model, text::Tokenizer tokenizer)
      : path_(std::move(path)), model_(std::move(model)), tokenizer_(std::move(tokenizer)) {}

  std::string path_;
  model::Model model_;
  text::Tokenizer tokenizer_;
};

}  // namespace kigo::tools
