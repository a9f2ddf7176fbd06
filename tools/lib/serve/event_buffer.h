// What a job has written and its connection has not yet sent: the generation thread never waits for a socket.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

namespace kigo::tools {

/// Bytes from one thread to another, bounded. A slow reader costs memory, not time.
class EventBuffer {
 public:
  static constexpr size_t kLimitBytes = size_t{8} << 20;  // docs/worker.md, section 2.5
  explicit EventBuffer(size_t limit_bytes = kLimitBytes) : limit_bytes_(limit_bytes) {}

  /// Appends all of `bytes`, or nothing and false: it would hold more than its limit, or is closed.
  bool append(std::string_view bytes);
  /// No more bytes come; `last` still joins, whatever the limit says: a stream ends with an event.
  void close(std::string_view last = {});

  struct Part {
    std::string bytes;
    bool last = false;  // nothing comes after these
  };
  /// All that is there; waits until there is something, it is closed or the time is over.
  Part take(std::chrono::milliseconds wait);

 private:
  size_t limit_bytes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string bytes_;
  bool closed_ = false;
};

}  // namespace kigo::tools
