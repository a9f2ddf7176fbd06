#include "tools/lib/faults/child.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "tools/lib/child_process.h"

namespace kigo::tools {
namespace {

using Clock = std::chrono::steady_clock;

/// Waits for the process and kills its group when the time is up.
int await(pid_t process, Clock::time_point end, bool& timed_out) {
  int status = 0;
  while (::waitpid(process, &status, WNOHANG) == 0) {
    if (Clock::now() > end && !timed_out) {
      timed_out = true;
      ::kill(-process, SIGKILL);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return status;
}

}  // namespace

Ended run_child(const std::vector<std::string>& argv, const Environment& environment, double limit_s) {
  const TemporaryFolder folder;
  const std::string output = folder.path() + "/out";
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                   0600);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);  // a group of its own, to be killed as one
  posix_spawnattr_setpgroup(&attributes, 0);

  std::vector<std::string> arguments = argv;
  std::vector<std::string> variables = environment_with(environment);
  const auto start = Clock::now();
  pid_t process = 0;
  const int failed = ::posix_spawnp(&process, argv[0].c_str(), &files, &attributes,
                                    word_pointers(arguments).data(), word_pointers(variables).data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  Ended ended;
  if (failed != 0) {
    ended.exit = 127;
    ended.out = cat(argv[0], ": cannot be started");
    return ended;
  }
  const auto limit = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(limit_s));
  const int status = await(process, start + limit, ended.timed_out);
  ended.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  ended.exit = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  ended.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  ended.out = read_text_file(output).value_or("");
  return ended;
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "kigo_faults.XXXXXX").string();
  if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace kigo::tools
