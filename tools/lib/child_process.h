// Another program as a child process that one talks to line by line, and that never outlives its parent.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"

namespace kigo::tools {

using Deadline = std::chrono::steady_clock::time_point;

struct ChildCommand {
  std::vector<std::string> argv;                                 // argv[0]: the program's path
  std::vector<std::pair<std::string, std::string>> environment;  // added to this process's
  std::string log;                                               // file for its standard error
};

/// What came of waiting for a line.
enum class Heard {
  line,
  ended,     // it closed its output: it ended, as a rule
  silent,    // no whole line until the deadline
  too_long,  // a line of more than 1 MiB
};

/// It ends with this object, and by the system's hand when this process dies, also of a signal that cannot be
/// handled. What it started itself ends with the object. One is started from the main thread: the system
/// watches the thread.
class ChildProcess {
 public:
  /// A program that is not there is one that ends with exit status 127. Errors: io, when the system has no
  /// room for it, or the log cannot be written.
  static Result<std::unique_ptr<ChildProcess>> start(const ChildCommand& command);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  pid_t process() const { return process_; }
  /// Its standard input. False when nobody reads it, or not until the deadline.
  bool write(std::string_view text, Deadline deadline);
  void close_input();
  /// The next line of its standard output, without the line feed. Bytes behind the last line feed are no
  /// line.
  Heard read_line(std::string& line, Deadline deadline);

  /// Waits. Its exit status, -1 when a signal ended it; nothing when it goes on until the deadline.
  std::optional<int> wait(Deadline deadline);
  /// `signal`, and SIGKILL when the limit is over. Its exit status; -1 when a signal ended it, also before.
  int stop(int signal, std::chrono::milliseconds limit);
  /// "exit status 3, LAST LINE OF ITS LOG"; "signal 11, ..."; "goes on, ..." before it was waited for.
  std::string how_it_ended() const;

 private:
  ChildProcess(pid_t process, int socket, std::string log)
      : process_(process), socket_(socket), log_(std::move(log)) {}
  int reap();

  pid_t process_;  // 0 when it was waited for
  int socket_;     // the other end is its standard input and output
  std::string log_;
  std::string heard_;  // bytes of lines that were not asked for yet
  size_t searched_ = 0;
  std::string ended_ = "goes on";
};

/// This process's environment with some variables added or set anew, each "NAME=VALUE".
std::vector<std::string> environment_with(const std::vector<std::pair<std::string, std::string>>& added);
/// As the system wants words: pointers into `texts`, then a null.
std::vector<char*> word_pointers(std::vector<std::string>& texts);

}  // namespace kigo::tools
