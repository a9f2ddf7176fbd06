#include "tools/lib/prompt.h"

#include <algorithm>
#include <charconv>

#include "core/base/cat.h"
#include "core/text/chat.h"

namespace kigo::tools {

namespace {

Result<const text::ChatFormat*> chat_format(const text::Tokenizer& tokenizer,
                                            const std::optional<std::string>& name) {
  if (!name) return text::require_chat_format(tokenizer);
  const text::ChatFormat* format = text::find_chat_format_by_name(*name);
  if (format != nullptr) return format;
  std::string known;
  for (const text::ChatFormat& row : text::chat_formats()) known += cat(known.empty() ? "" : ", ", row.name);
  return fail(Code::invalid_request, "chat format", escaped(*name), known);
}

}  // namespace

Result<std::vector<uint32_t>> parse_ids(std::string_view text) {
  std::vector<uint32_t> ids;
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    const std::string_view part = text.substr(at, comma - at);
    uint32_t id = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), id);
    if (error != std::errc() || end != part.data() + part.size()) {
      return fail(Code::invalid_request, cat("token ", ids.size()), cat("\"", escaped(part), "\""),
                  "ids separated by commas");
    }
    ids.push_back(id);
    at = comma + 1;
  }
  return ids;
}

Result<std::vector<uint32_t>> prompt_ids(const gguf::File& file, const Prompt& prompt) {
  if (prompt.tokens && !prompt.prompt && !prompt.chat) return parse_ids(*prompt.tokens);
  KIGO_ASSIGN(const text::Tokenizer tokenizer, text::Tokenizer::from_gguf(file));
  return prompt_ids(tokenizer, prompt);
}

Result<std::vector<uint32_t>> prompt_ids(const text::Tokenizer& tokenizer, const Prompt& prompt) {
  const int forms =
      int{prompt.tokens.has_value()} + int{prompt.prompt.has_value()} + int{prompt.chat.has_value()};
  if (forms != 1)
    return fail(Code::invalid_request, "prompt", cat(forms, " given"), "one of tokens, prompt and chat");
  if (prompt.tokens) return parse_ids(*prompt.tokens);
  if (prompt.prompt) return tokenizer.encode(*prompt.prompt, text::Special::parse);
  KIGO_ASSIGN(const text::ChatFormat* format, chat_format(tokenizer, prompt.format));
  std::vector<text::Message> messages;
  if (prompt.system) messages.push_back({text::Role::system, *prompt.system});
  messages.push_back({text::Role::user, *prompt.chat});
  return text::render(tokenizer, *format, messages);
}

}  // namespace kigo::tools
