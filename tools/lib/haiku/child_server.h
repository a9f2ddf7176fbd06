// `kigo serve` as a child process that never outlives its parent.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"

namespace kigo::tools {

struct ChildOptions {
  std::vector<std::string> argv;                                 // argv[0]: the program's path
  std::vector<std::pair<std::string, std::string>> environment;  // added to this process's
  std::string log;                                               // file for its standard error
  std::chrono::seconds ready_limit{600};
};

/// A worker that was started. It ends with this object, and by the system's hand when this process dies, also
/// of a signal that cannot be handled. One is started from the main thread: the system watches the thread.
class ChildServer {
 public:
  /// Returns when it has said that it is ready. Errors: io with the last line of its log, when it cannot be
  /// started, ends, or is not ready in time.
  static Result<std::unique_ptr<ChildServer>> start(const ChildOptions& options);
  ChildServer(const ChildServer&) = delete;
  ChildServer& operator=(const ChildServer&) = delete;
  ~ChildServer();

  const std::string& url() const { return url_; }
  pid_t process() const { return process_; }
  /// SIGTERM, and SIGKILL when the limit is over. Its exit status; -1 when a signal ended it.
  int stop(std::chrono::seconds limit);

 private:
  ChildServer(pid_t process, int output) : process_(process), output_(output) {}
  Status await_ready(const ChildOptions& options);

  pid_t process_;
  int output_;  // of its standard output
  std::string url_;
};

}  // namespace kigo::tools
