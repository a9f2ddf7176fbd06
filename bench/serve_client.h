// The client of serve_bench: one request after another over loopback, with the times at which events came.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/json.h"

namespace kigo::bench {

using Clock = std::chrono::steady_clock;

inline double ms_between(Clock::time_point start, Clock::time_point end) {
  return std::chrono::duration<double, std::milli>(end - start).count();
}

/// What came back of a job, in the client's time.
struct Streamed {
  int status = 0;
  Clock::time_point sent;
  std::vector<Clock::time_point> tokens;  // when each token event came
  uint64_t tokens_out = 0;                // by the end event
  std::string last;                       // name of the last event
  Clock::time_point ended;                // when it came
};

class ServeClient {
 public:
  explicit ServeClient(const std::string& url);
  ~ServeClient();

  /// Sends a body to /execute and reads to the end. `on_event` sees each event as it comes; false: this
  /// client is gone.
  Streamed execute(const std::string& body,
                   const std::function<bool(const std::string& name)>& on_event = {});
  /// Closes the connection of a request that another thread waits for.
  void vanish();
  /// The reply's body, an empty object when there was none.
  Json get(const std::string& path);
  void cancel(const std::string& job_id);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kigo::bench
