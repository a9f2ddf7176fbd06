// A program in a process of its own: what it printed, how it ended, and never longer than it was given.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace kigo::tools {

struct Ended {
  int exit = -1;   // -1 when a signal ended it
  int signal = 0;  // 0 when it ended by itself
  bool timed_out = false;
  std::string out;  // standard output and error, in one
  double seconds = 0;

  bool crashed() const { return timed_out || signal != 0 || exit < 0; }
};

using Environment = std::vector<std::pair<std::string, std::string>>;  // added to this process's

/// Runs argv[0] with the arguments behind it. After `limit_s` seconds it is killed with all that it started.
/// What cannot be started ends with exit status 127, as in a shell.
Ended run_child(const std::vector<std::string>& argv, const Environment& environment, double limit_s);

/// A folder that is there while the object lives.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace kigo::tools
