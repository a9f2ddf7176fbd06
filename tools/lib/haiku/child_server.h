// `kigo serve` as a child process that never outlives its parent.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "core/base/result.h"
#include "tools/lib/child_process.h"

namespace kigo::tools {

struct ChildOptions : ChildCommand {
  std::chrono::seconds ready_limit{600};
};

/// A worker that was started; as a ChildProcess it does not outlive this one.
class ChildServer {
 public:
  /// Returns when it has said that it is ready. Errors: io with the last line of its log, when it cannot be
  /// started, ends, or is not ready in time.
  static Result<std::unique_ptr<ChildServer>> start(const ChildOptions& options);

  const std::string& url() const { return url_; }
  pid_t process() const { return child_->process(); }
  /// SIGTERM, and SIGKILL when the limit is over. Its exit status; -1 when a signal ended it.
  int stop(std::chrono::seconds limit);

 private:
  explicit ChildServer(std::unique_ptr<ChildProcess> child) : child_(std::move(child)) {}
  std::unique_ptr<ChildProcess> child_;
  std::string url_;
};

}  // namespace kigo::tools
