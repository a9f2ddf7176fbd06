// Rendering a conversation: segments, then ids.
#include "core/text/chat.h"

#include <algorithm>
#include <iterator>

#include "core/base/cat.h"
#include "core/base/fault.h"
#include "core/text/tokenizer.h"
#include "core/text/unicode.h"

namespace kigo::text {
namespace {

/// Plain text that waits for the next marker, so that words are cut as in the joined text.
class Renderer {
 public:
  Renderer(const Tokenizer& tokenizer, bool own_bos) : tokenizer_(tokenizer) {
    if (tokenizer.adds_bos() && !own_bos) ids_.push_back(*tokenizer.bos());
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

/// What Python's str.strip takes away: White_Space and the four separators U+001C to U+001F.
bool is_space(char32_t point) {
  return (point >= 0x09 && point <= 0x0D) || (point >= 0x1C && point <= 0x20) || point == 0x85 ||
         point == 0xA0 || point == 0x1680 || (point >= 0x2000 && point <= 0x200A) || point == 0x2028 ||
         point == 0x2029 || point == 0x202F || point == 0x205F || point == 0x3000;
}

bool is_space_at(std::string_view text, size_t at, size_t& length) {
  const Utf8Step step = utf8_step(text.substr(at));
  length = step.length;
  return step.kind == Utf8::valid && is_space(step.code_point);
}

std::string_view trimmed_front(std::string_view text) {
  size_t length = 0;
  while (!text.empty() && is_space_at(text, 0, length)) text.remove_prefix(length);
  return text;
}

std::string_view trimmed_back(std::string_view text) {
  while (!text.empty()) {
    size_t at = text.size() - 1, length = 0;
    while (at > 0 && text.size() - at < 4 && (static_cast<uint8_t>(text[at]) & 0xC0) == 0x80) --at;
    if (!is_space_at(text, at, length) || at + length != text.size()) break;
    text.remove_suffix(length);
  }
  return text;
}

/// The white space before and behind all segments together goes, and with it those that are nothing else.
void trim(std::vector<ChatSegment>& segments) {
  while (!segments.empty()) {
    segments.front().text = std::string(trimmed_front(segments.front().text));
    if (!segments.front().text.empty()) break;
    segments.erase(segments.begin());
  }
  while (!segments.empty()) {
    segments.back().text = std::string(trimmed_back(segments.back().text));
    if (!segments.back().text.empty()) break;
    segments.pop_back();
  }
}

std::string_view role_name(Role role) {
  constexpr std::array<std::string_view, 3> kNames = {"system", "user", "assistant"};
  return kNames[static_cast<size_t>(role)];
}

}  // namespace

std::vector<ChatSegment> chat_segments(const ChatFormat& format, std::span<const Message> messages) {
  std::vector<ChatSegment> segments;
  const auto wrapped = [&](Role role, std::vector<ChatSegment>& into, std::vector<ChatSegment> content) {
    const auto row = static_cast<size_t>(role);
    into.push_back({std::string(format.before[row]), true});
    into.insert(into.end(), std::make_move_iterator(content.begin()), std::make_move_iterator(content.end()));
    into.push_back({std::string(format.after[row]), true});
  };
  const auto turn = [&](Role role, std::vector<ChatSegment> content) {
    if (format.trims) trim(content);
    wrapped(role, segments, std::move(content));
  };
  if (!format.begin.empty()) segments.push_back({std::string(format.begin), true});
  const bool has_system = !messages.empty() && messages.front().role == Role::system;
  if (!has_system && !format.default_system.empty())
    turn(Role::system, {{std::string(format.default_system), false}});
  const bool folds = has_system && format.system == SystemPlace::first_user;
  for (size_t i = folds ? 1 : 0; i < messages.size(); ++i) {
    std::vector<ChatSegment> content;
    if (folds && i == 1) wrapped(Role::system, content, {{messages.front().content, false}});
    content.push_back({messages[i].content, false});
    turn(messages[i].role, std::move(content));
  }
  segments.push_back({std::string(format.answer), true});
  if (KIGO_FAULT(F46) && format.answer.ends_with('\n')) segments.back().text.pop_back();
  return segments;
}

Status check_turns(const ChatFormat& format, std::span<const Message> messages) {
  if (!format.alternates) return {};
  const bool folds =
      !messages.empty() && messages.front().role == Role::system && format.system == SystemPlace::first_user;
  const size_t first = folds ? 1 : 0;
  if (folds && messages.size() == 1)
    return fail(Code::invalid_request, "messages", "a system message only", "a user's message behind it");
  for (size_t i = first; i < messages.size(); ++i) {
    const Role wanted = (i - first) % 2 == 0 ? Role::user : Role::assistant;
    if (messages[i].role != wanted)
      return fail(Code::invalid_request, cat("messages[", i, "].role"),
                  std::string(role_name(messages[i].role)),
                  cat(role_name(wanted), ", for ", format.name, " writes turns of user and assistant",
                      format.system == SystemPlace::none ? " only" : " behind one system message at most"));
  }
  return {};
}

Result<std::vector<uint32_t>> render(const Tokenizer& tokenizer, const ChatFormat& format,
                                     std::span<const Message> messages) {
  if (messages.empty()) return fail(Code::invalid_request, "messages", "none", "at least one");
  KIGO_TRY(check_turns(format, messages));
  KIGO_TRY(check_markers(tokenizer, format));
  for (size_t i = 0; i < messages.size(); ++i)
    KIGO_TRY(check_utf8(messages[i].content, cat("messages[", i, "].content")));
  Renderer renderer(tokenizer, format.own_bos);
  for (const ChatSegment& segment : chat_segments(format, messages)) KIGO_TRY(renderer.add(segment));
  return renderer.finish();
}

}  // namespace kigo::text
