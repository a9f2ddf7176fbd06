// A program that measures, started once with --serve and asked again and again.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "tools/lib/child_process.h"
#include "tools/lib/perf/record.h"

namespace kigo::tools::perf {

struct BenchCommand {
  std::string program;
  std::vector<std::string> arguments;  // behind --serve
  std::string log;                     // file for its standard error
  std::chrono::milliseconds ready_limit{120'000};
};

/// What a program says of itself when it is ready.
struct BenchReady {
  std::string program;
  std::string commit;
  bool fault_build = false;  // built so that it can make mistakes on purpose
};

struct BenchRequest {
  std::string name;  // of --list, or "ceilings"
  int64_t block = 0;
  std::string run;
  std::optional<double> delay_us;  // a spin behind every launch, also one of 0
  bool verify = true;              // compare the values with the twin's: takes longer than the timing
  bool announce = false;           // say when the timing is over: others may go on while values are compared
  std::string next = {};           // what this process will be asked after this, where that is known
};

/// What came of a request.
struct BenchAnswer {
  State state = State::ok;      // timed_out, and invalid: it died or talked nonsense; it is stopped then
  std::string why;              // of a state that is not ok
  std::vector<Record> records;  // those that came whole, also before it died
  bool timed = false;           // this is not all: rest() has it
};

/// The child ends with this object. From the main thread only, as ChildProcess.
class BenchProcess {
 public:
  /// Returns when it has said that it is ready. Errors: io with its last words, when it cannot be started,
  /// ends or is not ready in time; `unsupported` when it says NOT RUN (no GPU); invalid_request when it is a
  /// fault build.
  static Result<std::unique_ptr<BenchProcess>> start(const BenchCommand& command);

  const BenchReady& ready() const { return ready_; }
  pid_t process() const { return child_->process(); }

  /// Asks, and reads records until the empty line, or until it says that the timing is over, where that was
  /// asked for: then rest() comes before the next request. The records are of this run and block. After an
  /// answer that is not ok the process is gone, and no more may be asked.
  BenchAnswer ask(const BenchRequest& request, std::chrono::milliseconds limit);
  /// What follows an answer that was `timed`.
  BenchAnswer rest(std::chrono::milliseconds limit);

  /// Ends its input and waits. Errors: io, when it then ends badly or not within the limit.
  Status finish(std::chrono::milliseconds limit);

 private:
  explicit BenchProcess(std::unique_ptr<ChildProcess> child) : child_(std::move(child)) {}
  BenchAnswer read(bool until_timed, std::chrono::milliseconds limit);
  Status take(const std::string& line, std::vector<Record>& records) const;

  std::unique_ptr<ChildProcess> child_;
  BenchReady ready_;
  BenchRequest asked_;  // last
};

/// The names that `PROGRAM --list ARGUMENTS...` prints, in its order. Errors: io, when it ends badly or takes
/// longer than `ready_limit`; bad_value when there is none, or one twice.
Result<std::vector<std::string>> list_names(const BenchCommand& command);

}  // namespace kigo::tools::perf
