#include "core/text/chat.h"

#include <algorithm>

#include "core/base/cat.h"
#include "core/base/fault.h"
#include "core/text/tokenizer.h"
#include "core/text/unicode.h"

namespace kigo::text {
namespace {

constexpr std::array<std::string_view, 2> kMarkers = {"<|im_start|>", "<|im_end|>"};
constexpr std::array<std::string_view, 3> kBefore = {"<|im_start|>system\n", "<|im_start|>user\n",
                                                     "<|im_start|>assistant\n"};
constexpr std::array<std::string_view, 3> kAfter = {"<|im_end|>\n", "<|im_end|>\n", "<|im_end|>\n"};
constexpr std::string_view kAnswer = "<|im_start|>assistant\n";

constexpr std::array<std::string_view, 1> kQwen2System = {"You are a helpful assistant."};
constexpr std::array<std::string_view, 1> kQwen25System = {
    "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."};

// A template with a BOS of its own, trimmed messages, thoughts that are cut out or another separator writes
// something else than these rows; so does one with a system message that is not the row's.
constexpr std::array kNotQwen25 =
    std::to_array<std::string_view>({"bos_token", "trim", "<think>", "<|im_sep|>"});
constexpr std::array kNotQwen2 =
    std::to_array<std::string_view>({"bos_token", "trim", "<think>", "<|im_sep|>", "You are Qwen"});
constexpr std::array kNotPlain =
    std::to_array<std::string_view>({"bos_token", "trim", "<think>", "<|im_sep|>", "You are"});

constexpr std::array kFormats = std::to_array<ChatFormat>({
    {.name = "qwen2.5",  // Qwen/Qwen2.5-0.5B-Instruct, tokenizer_config.json
     .markers = kMarkers,
     .has = kQwen25System,
     .lacks = kNotQwen25,
     .before = kBefore,
     .after = kAfter,
     .answer = kAnswer,
     .end_marker = "<|im_end|>",
     .default_system = kQwen25System[0]},
    {.name = "qwen2",  // Qwen/Qwen2-0.5B-Instruct, tokenizer_config.json
     .markers = kMarkers,
     .has = kQwen2System,
     .lacks = kNotQwen2,
     .before = kBefore,
     .after = kAfter,
     .answer = kAnswer,
     .end_marker = "<|im_end|>",
     .default_system = kQwen2System[0]},
    {.name = "chatml",  // openai/openai-python v0.28, chatml.md
     .markers = kMarkers,
     .has = {},
     .lacks = kNotPlain,
     .before = kBefore,
     .after = kAfter,
     .answer = kAnswer,
     .end_marker = "<|im_end|>",
     .default_system = {}},
});

std::string format_names() {
  std::string names;
  for (const ChatFormat& format : kFormats) names += cat(names.empty() ? "" : ", ", format.name);
  return names;
}

/// Plain text that waits for the next marker, so that words are cut as in the joined text.
class Renderer {
 public:
  explicit Renderer(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {
    if (tokenizer.adds_bos()) ids_.push_back(*tokenizer.bos());
  }

  Status add(const ChatSegment& segment) {
    std::string_view text = segment.text;
    while (segment.markup) {
      const auto match = tokenizer_.find_special(text);
      if (!match) break;
      waiting_ += text.substr(0, match->at);
      KIGO_TRY(flush());
      ids_.push_back(match->id);
      text.remove_prefix(match->at + match->length);
    }
    waiting_ += text;
    return {};
  }

  Result<std::vector<uint32_t>> finish() {
    KIGO_TRY(flush());
    return std::move(ids_);
  }

 private:
  Status flush() {
    KIGO_TRY(tokenizer_.append(waiting_, Special::plain, ids_));
    waiting_.clear();
    return {};
  }

  const Tokenizer& tokenizer_;
  std::vector<uint32_t> ids_;
  std::string waiting_;
};

Status check_markers(const Tokenizer& tokenizer, const ChatFormat& format) {
  for (const std::string_view marker : format.markers) {
    const auto id = tokenizer.vocabulary().find(marker);
    if (!id || tokenizer.vocabulary().kind(*id) != TokenKind::control)
      return fail(Code::unsupported, cat("chat format ", format.name),
                  cat(marker, id ? " is an ordinary token" : " is no token", " of this vocabulary"),
                  "a control token");
  }
  return {};
}

}  // namespace

std::span<const ChatFormat> chat_formats() { return kFormats; }

const ChatFormat* find_chat_format(std::string_view template_text) {
  const auto holds = [&](std::string_view part) {
    return template_text.find(part) != std::string_view::npos;
  };
  const auto fits = [&](const ChatFormat& format) {
    return std::ranges::all_of(format.markers, holds) && std::ranges::all_of(format.has, holds) &&
           std::ranges::none_of(format.lacks, holds);
  };
  const auto found = std::ranges::find_if(kFormats, fits);
  return found == kFormats.end() ? nullptr : &*found;
}

const ChatFormat* find_chat_format_by_name(std::string_view name) {
  const auto found = std::ranges::find(kFormats, name, &ChatFormat::name);
  return found == kFormats.end() ? nullptr : &*found;
}

Result<const ChatFormat*> require_chat_format(const Tokenizer& tokenizer) {
  if (tokenizer.chat_format() != nullptr) return tokenizer.chat_format();
  const bool absent = !tokenizer.chat_template();
  return fail(Code::unsupported, "tokenizer.chat_template",
              absent ? "not in the file" : "an unknown template",
              cat("one that writes ", format_names(), ", or --chat-template with one of these names"));
}

std::vector<ChatSegment> chat_segments(const ChatFormat& format, std::span<const Message> messages) {
  std::vector<ChatSegment> segments;
  const auto add = [&](Role role, std::string_view content) {
    const auto row = static_cast<size_t>(role);
    segments.push_back({std::string(format.before[row]), true});
    segments.push_back({std::string(content), false});
    segments.push_back({std::string(format.after[row]), true});
  };
  const bool has_system = !messages.empty() && messages.front().role == Role::system;
  if (!has_system && !format.default_system.empty()) add(Role::system, format.default_system);
  for (const Message& message : messages) add(message.role, message.content);
  segments.push_back({std::string(format.answer), true});
  if (KIGO_FAULT(F46)) segments.back().text.pop_back();
  return segments;
}

Result<std::vector<uint32_t>> render(const Tokenizer& tokenizer, const ChatFormat& format,
                                     std::span<const Message> messages) {
  if (messages.empty()) return fail(Code::invalid_request, "messages", "none", "at least one");
  KIGO_TRY(check_markers(tokenizer, format));
  for (size_t i = 0; i < messages.size(); ++i)
    KIGO_TRY(check_utf8(messages[i].content, cat("messages[", i, "].content")));
  Renderer renderer(tokenizer);
  for (const ChatSegment& segment : chat_segments(format, messages)) KIGO_TRY(renderer.add(segment));
  return renderer.finish();
}

}  // namespace kigo::text
