// The event streams and bodies that the routes answer with: docs/worker.md, sections 2.3 and 3.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/base/json.h"
#include "tools/lib/serve/job.h"

namespace kigo::tools {

/// `event: NAME`, one `data:` line, a blank line.
std::string sse_event(std::string_view name, const Json& data);
/// A block of `data:` alone, as OpenAI's clients read it.
std::string sse_data(std::string_view data);
/// `: TEXT`, which clients pass over.
std::string sse_comment(std::string_view text);

/// What a sink says about the job besides its events.
struct Identity {
  std::string job_id;
  std::string model;
  std::string correlation_id;
};

/// Events of /execute. `ids`: in token events, and at the end those that no event had. `stop`: as asked for.
std::unique_ptr<JobSink> execute_sink(std::shared_ptr<EventBuffer> buffer, Identity identity, bool ids,
                                      std::vector<std::string> stop);

/// Which of the OpenAI-compatible replies.
struct OpenAiReply {
  bool chat = false;
  bool include_usage = false;
};
/// Chunks as they come, then [DONE]; an error ends the stream without it.
std::unique_ptr<JobSink> openai_stream_sink(std::shared_ptr<EventBuffer> buffer, Identity identity,
                                            OpenAiReply reply);

/// One body at the end. `status` is 200 or that of the error, once the buffer is closed.
std::unique_ptr<JobSink> openai_body_sink(std::shared_ptr<EventBuffer> buffer, Identity identity,
                                          OpenAiReply reply, std::shared_ptr<std::atomic<int>> status);

}  // namespace kigo::tools
