// What went over the wire in a haiku test, with the client's times: the lines of sse_transcript.ndjson.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"

namespace kigo::tools {

/// An event as it came: its name and the bytes behind "data: ". A comment has the name "comment"; a block
/// that is no event of docs/worker.md, section 3, has the name "malformed" and all its bytes.
struct WireEvent {
  double ms = 0;  // since the run began
  std::string name;
  std::string data;
};

/// A request and all that came back.
struct Exchange {
  int64_t attempt = 1;
  std::string name;  // "haiku", "greedy", "sampled 1", "sampled 2", "repeat"
  double sent_ms = 0;
  Json request;  // sent_at, job_id, correlation_id, body; of a haiku also topic, word, nonce
  double reply_ms = 0;
  Json reply;  // status, content_type, cache_control, correlation_id; null when no reply came
  std::vector<WireEvent> events;
  double closed_ms = 0;
  Json closed;  // at, detail: "whole", or what went wrong
};

/// One JSON object a line: attempt, exchange, ms, from ("test" or "worker"), event, data. The test's own
/// lines are `request`, `reply` and `closed`.
std::string transcript_lines(std::span<const Exchange> exchanges);

/// The reverse. Errors: bad_value naming the line.
Result<std::vector<Exchange>> read_transcript(std::string_view lines);

/// Bytes of an event stream in, blocks out.
class SseReader {
 public:
  using OnEvent = std::function<void(std::string name, std::string data)>;
  explicit SseReader(OnEvent on_event) : on_event_(std::move(on_event)) {}
  void push(std::string_view bytes);
  /// What is left is a block that was never ended.
  void finish();

 private:
  void block(std::string_view text);
  OnEvent on_event_;
  std::string waiting_;
};

/// The stream of one exchange as docs/worker.md, section 3, reads it.
struct Answer {
  std::vector<std::string> problems;       // all that breaks the section; empty when it holds
  std::vector<std::string> head_problems;  // the same of the reply's status and headers
  std::string text;                        // the joined t
  std::vector<int64_t> ids;                // of the events, then the withheld ones
  Json started;                            // null when there was none
  Json end;
};
Answer read_answer(const Exchange& exchange);

/// A member that is a whole number, or -1.
int64_t integer_of(const Json& object, std::string_view key);
/// A member that is a string, or nothing.
std::string text_of(const Json& object, std::string_view key);

}  // namespace kigo::tools
