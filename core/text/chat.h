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

/// Where a format puts a system message.
enum class SystemPlace : uint8_t {
  own_turn,    // like any other message, wherever it stands
  first_user,  // only the first message can be one; it goes in front of the first user's content
  none,        // there is none in this format
};

/// A row of the table. The texts around the messages hold the format's own control tokens.
struct ChatFormat {
  std::string_view name;
  std::span<const std::string_view> markers;  // control tokens that the format cannot do without
  // A template in a file is this format's when it holds all of `has` and nothing of `lacks`.
  std::span<const std::string_view> has;
  std::span<const std::string_view> lacks;
  bool own_bos = false;     // the template writes BOS, so the tokenizer adds none
  bool trims = false;       // the content of a turn loses the white space around it
  bool alternates = false;  // user, assistant, user, ...; anything else is refused
  SystemPlace system = SystemPlace::own_turn;
  std::string_view begin = {};             // before the first turn
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

/// The conversation with all that the format puts around it, up to where the answer begins. The turns must be
/// such as check_turns accepts.
std::vector<ChatSegment> chat_segments(const ChatFormat& format, std::span<const Message> messages);

/// What the format's template refuses: roles in an order that it does not write. Errors: invalid_request,
/// naming the message.
Status check_turns(const ChatFormat& format, std::span<const Message> messages);

/// The ids of a conversation, with BOS where the file asks for it or the format writes it, never twice. A
/// word that begins in the markup and ends in a message is one word, as in the joined text. Errors:
/// invalid_request without a message, and as check_turns; unsupported when a marker of the format is no
/// control token of the vocabulary; those of Tokenizer::encode.
Result<std::vector<uint32_t>> render(const Tokenizer& tokenizer, const ChatFormat& format,
                                     std::span<const Message> messages);

/// The format of the file, or the error that a caller should give: unsupported, naming the known formats.
Result<const ChatFormat*> require_chat_format(const Tokenizer& tokenizer);

}  // namespace kigo::text
