#include "tools/lib/haiku/exchange.h"

#include <utility>

#include "core/base/cat.h"
#include "tools/lib/json_fields.h"

namespace kigo::tools {
namespace {

constexpr std::string_view kFile = "sse_transcript.ndjson";

std::string line(const Exchange& exchange, double ms, std::string_view from, std::string_view event,
                 std::string_view data) {
  return cat(Json::object({{"attempt", exchange.attempt},
                           {"exchange", exchange.name},
                           {"ms", ms},
                           {"from", from},
                           {"event", event},
                           {"data", data}})
                 .dump(),
             "\n");
}

struct Line {
  int64_t attempt = 0;
  std::string exchange, from, event, data;
  double ms = 0;
};

Result<Line> read_line(std::string_view text, const std::string& subject) {
  KIGO_ASSIGN(const Json json, Json::parse(text, subject));
  const Fields fields(json, subject);
  Line line;
  KIGO_TRY(fields.get("attempt", line.attempt));
  KIGO_TRY(fields.get("exchange", line.exchange));
  KIGO_TRY(fields.get("ms", line.ms));
  KIGO_TRY(fields.get("from", line.from));
  KIGO_TRY(fields.get("event", line.event));
  KIGO_TRY(fields.get("data", line.data));
  return line;
}

/// Puts a line where it belongs. `open` says whether the last exchange still runs.
Status add(const Line& line, const std::string& subject, std::vector<Exchange>& exchanges, bool& open) {
  const bool ours = line.from == "test";
  const bool first = ours && line.event == "request";
  if (first == open)
    return fail(Code::bad_value, subject, line.event, open ? "more of a reply" : "a request");
  if (first) exchanges.emplace_back();
  Exchange& exchange = exchanges.back();
  if (!ours) {
    exchange.events.push_back({line.ms, line.event, line.data});
    return {};
  }
  KIGO_ASSIGN(const Json data, Json::parse(line.data, subject));
  if (line.event == "request") {
    exchange.attempt = line.attempt;
    exchange.name = line.exchange;
    exchange.sent_ms = line.ms;
    exchange.request = data;
    open = true;
  } else if (line.event == "reply") {
    exchange.reply_ms = line.ms;
    exchange.reply = data;
  } else if (line.event == "closed") {
    exchange.closed_ms = line.ms;
    exchange.closed = data;
    open = false;
  } else {
    return fail(Code::bad_value, subject, line.event, "request, reply or closed");
  }
  return {};
}

}  // namespace

std::string transcript_lines(std::span<const Exchange> exchanges) {
  std::string out;
  for (const Exchange& exchange : exchanges) {
    out += line(exchange, exchange.sent_ms, "test", "request", exchange.request.dump());
    if (!exchange.reply.is_null())
      out += line(exchange, exchange.reply_ms, "test", "reply", exchange.reply.dump());
    for (const WireEvent& event : exchange.events)
      out += line(exchange, event.ms, "worker", event.name, event.data);
    out += line(exchange, exchange.closed_ms, "test", "closed", exchange.closed.dump());
  }
  return out;
}

Result<std::vector<Exchange>> read_transcript(std::string_view lines) {
  std::vector<Exchange> exchanges;
  bool open = false;
  size_t number = 0;
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    const std::string subject = cat(kFile, " line ", ++number);
    KIGO_ASSIGN(const Line line, read_line(lines.substr(0, end), subject));
    KIGO_TRY(add(line, subject, exchanges, open));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  if (open || exchanges.empty())
    return fail(Code::bad_value, std::string(kFile), cat("ends at line ", number), "whole exchanges");
  return exchanges;
}

void SseReader::push(std::string_view bytes) {
  waiting_ += bytes;
  for (size_t end = waiting_.find("\n\n"); end != std::string::npos; end = waiting_.find("\n\n")) {
    block(std::string_view(waiting_).substr(0, end));
    waiting_.erase(0, end + 2);
  }
}

void SseReader::finish() {
  if (!waiting_.empty()) on_event_("malformed", std::exchange(waiting_, {}));
}

void SseReader::block(std::string_view text) {
  constexpr std::string_view kName = "event: ";
  constexpr std::string_view kData = "data: ";
  if (text.starts_with(": ") && text.find('\n') == std::string_view::npos)
    return on_event_("comment", std::string(text.substr(2)));
  const size_t line = text.find('\n');
  const bool right = text.starts_with(kName) && line != std::string_view::npos &&
                     text.substr(line + 1).starts_with(kData) &&
                     text.find('\n', line + 1) == std::string_view::npos;
  if (!right) return on_event_("malformed", std::string(text));
  on_event_(std::string(text.substr(kName.size(), line - kName.size())),
            std::string(text.substr(line + 1 + kData.size())));
}

int64_t integer_of(const Json& object, std::string_view key) {
  const Json* member = object.find(key);
  return member == nullptr ? -1 : member->integer().value_or(-1);
}

std::string text_of(const Json& object, std::string_view key) {
  const Json* member = object.find(key);
  return member == nullptr || member->string() == nullptr ? std::string() : *member->string();
}

}  // namespace kigo::tools
