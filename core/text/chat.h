// Chat formats as data: what stands around the messages of a conversation before it goes into a model.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace kigo::text {

class Tokenizer;

enum class Role : uint8_t { system, user, assistant };

struct Message {
  Role role;
  std::string content;
};

/// A row of the table. The texts around the messages hold the format's own control tokens.
struct ChatFormat {
  std::string_view name;
  // A template in a file is this format's when it holds the markers and all of `has`, and nothing of `lacks`.
  std::span<const std::string_view> markers;  // control tokens that the format cannot do without
  std::span<const std::string_view> has;
  std::span<const std::string_view> lacks;
  std::array<std::string_view, 3> before;  // the content, by Role
  std::array<std::string_view, 3> after;
  std::string_view answer;          // what makes the model speak, after the last message
  std::string_view end_marker;      // the control token that ends an answer
  std::string_view default_system;  // the message put first when the first one is no system message; or empty
};

std::span<const ChatFormat> chat_formats();

/// The format that writes what this template (the text of tokenizer.chat_template) writes; null when none is
/// known to.
const ChatFormat* find_chat_format(std::string_view template_text);
const ChatFormat* find_chat_format_by_name(std::string_view name);

/// A piece of a conversation as the model sees it.
struct ChatSegment {
  std::string text;
  bool markup;  // written by the format: control tokens in it count; in a message they stay text
  bool operator==(const ChatSegment&) const = default;
};

/// The conversation with all that the format puts around it, up to where the answer begins.
std::vector<ChatSegment> chat_segments(const ChatFormat& format, std::span<const Message> messages);

/// The ids of a conversation, with BOS where the file asks for it. A word that begins in the markup and ends
/// in a message is one word, as in the joined text. Errors: invalid_request without a message; unsupported
/// when a marker of the format is no control token of the vocabulary; those of Tokenizer::encode.
Result<std::vector<uint32_t>> render(const Tokenizer& tokenizer, const ChatFormat& format,
                                     std::span<const Message> messages);

/// The format of the file, or the error that a caller should give: unsupported, naming the known formats.
Result<const ChatFormat*> require_chat_format(const Tokenizer& tokenizer);

}  // namespace kigo::text
