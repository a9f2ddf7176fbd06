// One generation on its way through the worker: what is asked for, who may end it, and where its events go.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/lib/generation.h"
#include "tools/lib/serve/event_buffer.h"
#include "tools/lib/serve/problem.h"

namespace kigo::tools {

using Clock = std::chrono::steady_clock;

/// Why a job ended before its stop reason.
enum class EndCause : uint8_t { none, request, client_gone, timeout, shutting_down, slow_client };

/// What a finished generation took, in milliseconds.
struct JobTimes {
  int64_t queue_ms = 0;
  int64_t prefill_ms = 0;
  int64_t first_token_ms = 0;
  int64_t decode_ms = 0;
};

struct JobMetrics {
  uint64_t tokens_out = 0;
  double tokens_per_sec = 0;
  int64_t vram_bytes = 0;
};

/// What happens to a job, in the words of one route. Called by one thread at a time: end or error once, and
/// last; before it started once, unless the job never began. A false return: the client does not take it.
class JobSink {
 public:
  virtual ~JobSink() = default;
  virtual bool started(const Started& started) = 0;
  virtual bool piece(const Piece& piece) = 0;
  virtual bool metrics(const JobMetrics& metrics) = 0;
  virtual void end(const Generation& generation, const JobTimes& times) = 0;
  virtual void error(const Problem& problem) = 0;
};

struct Job {
  std::string id;
  std::string correlation_id;
  std::string route;  // "/execute"
  size_t prompt_bytes = 0;
  std::string prompt_sha256;
  std::vector<uint32_t> prompt;
  GenerationOptions options;  // `cancel` is set by the worker
  int64_t metrics_every_tokens = 0;
  std::unique_ptr<JobSink> sink;
  std::shared_ptr<EventBuffer> buffer = std::make_shared<EventBuffer>();  // what the sink writes into
  Clock::time_point received = Clock::now();

  /// Ends the job soon, for the first cause that is given. Any thread.
  void stop(EndCause cause) {
    EndCause none = EndCause::none;
    if (!cause_.compare_exchange_strong(none, cause)) return;
    stopped_at_ = Clock::now().time_since_epoch().count();
    cancel_ = true;
  }
  /// Since stop(); nothing before it.
  std::optional<Clock::duration> since_stop() const {
    if (!cancel_) return std::nullopt;
    return Clock::now().time_since_epoch() - Clock::duration(stopped_at_.load());
  }
  EndCause cause() const { return cause_; }
  const std::atomic<bool>& cancelled() const { return cancel_; }

 private:
  std::atomic<EndCause> cause_ = EndCause::none;
  std::atomic<Clock::rep> stopped_at_ = 0;
  std::atomic<bool> cancel_ = false;
};

}  // namespace kigo::tools
