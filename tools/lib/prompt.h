// What is fed to a model: ids given as such, a text, or a message in the model's chat format.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/model/weights.h"
#include "core/text/tokenizer.h"

namespace kigo::tools {

/// Exactly one of tokens, prompt and chat is set; `system` and `format` go with chat.
struct Prompt {
  std::optional<std::string> tokens;  // "1,5,9"
  std::optional<std::string> prompt;  // special tokens written in it count
  std::optional<std::string> chat;    // one user message
  std::optional<std::string> system;
  std::optional<std::string> format;  // chat format by name; else the one of the file's template
};

/// Ids separated by commas. Errors: invalid_request naming the part that is no id.
Result<std::vector<uint32_t>> parse_ids(std::string_view text);

/// The ids of a prompt; the tokenizer is only read when there is text. Errors: invalid_request when not
/// exactly one form is given; those of the tokenizer and of its chat format.
Result<std::vector<uint32_t>> prompt_ids(const gguf::File& file, const Prompt& prompt);
Result<std::vector<uint32_t>> prompt_ids(const text::Tokenizer& tokenizer, const Prompt& prompt);

}  // namespace kigo::tools
