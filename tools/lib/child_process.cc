#include "tools/lib/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include "core/base/cat.h"
#include "core/base/file_map.h"

namespace kigo::tools {
namespace {

using std::chrono::milliseconds;
constexpr size_t kLineLimit = 1 << 20;

/// Between fork and exec: only calls that are safe there.
[[noreturn]] void become(const char* path, char* const* argv, char* const* environment, int talk, int log,
                         pid_t parent) {
  ::setpgid(0, 0);  // a group of its own, to be killed as one
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it died before the line above
  ::dup2(talk, STDIN_FILENO);
  ::dup2(talk, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::execve(path, argv, environment);
  constexpr char kLine[] = "cannot be started\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kLine, sizeof kLine - 1);
  ::_exit(127);
}

/// The descriptor moved out of the way of the three standard ones, which dup2() would else keep closing on
/// exec when this process was started without them.
int above_standard(int descriptor) {
  if (descriptor < 0 || descriptor > STDERR_FILENO) return descriptor;
  const int moved = ::fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  ::close(descriptor);
  return moved;
}

/// Waits until the socket can be read or written; false when the time is over.
bool await(int socket, short what, Deadline deadline) {
  while (true) {
    const auto left =
        std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    pollfd state{socket, what, 0};
    const int ready = ::poll(&state, 1, static_cast<int>(std::clamp<int64_t>(left, 0, 1 << 30)));
    if (ready > 0) return true;
    if (ready == 0 && left <= 0) return false;
    if (ready < 0 && errno != EINTR) return true;  // reading or writing says what is wrong
  }
}

std::string last_line(const std::string& log) {
  std::string text = read_text_file(log).value_or("");
  while (text.ends_with('\n')) text.pop_back();
  return escaped(text.substr(text.rfind('\n') + 1), 400);
}

}  // namespace

std::vector<std::string> environment_with(const std::vector<std::pair<std::string, std::string>>& added) {
  std::vector<std::string> variables;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view variable = *each;
    bool replaced = false;
    for (const auto& [name, value] : added) replaced = replaced || variable.starts_with(name + "=");
    if (!replaced) variables.emplace_back(variable);
  }
  for (const auto& [name, value] : added) variables.push_back(cat(name, "=", value));
  return variables;
}

std::vector<char*> word_pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(const ChildCommand& command) {
  const int log =
      above_standard(::open(command.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (log < 0) return fail(Code::io, command.log, std::strerror(errno));
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    ::close(log);
    return fail(Code::io, "socketpair", std::strerror(errno));
  }
  const int ours = above_standard(ends[0]), its = above_standard(ends[1]);
  std::vector<std::string> arguments = command.argv;
  std::vector<std::string> environment = environment_with(command.environment);
  const std::vector<char*> argv = word_pointers(arguments), envp = word_pointers(environment);
  const pid_t parent = ::getpid();
  const pid_t process = ::fork();
  if (process == 0) become(arguments[0].c_str(), argv.data(), envp.data(), its, log, parent);
  const int failed = errno;
  ::close(log);
  ::close(its);
  if (process < 0) {
    ::close(ours);
    return fail(Code::io, command.argv[0], std::strerror(failed));
  }
  ::setpgid(process, process);  // whoever comes first: both may
  return std::unique_ptr<ChildProcess>(new ChildProcess(process, ours, command.log));
}

ChildProcess::~ChildProcess() {
  stop(SIGKILL, milliseconds(0));
  ::close(socket_);
}

bool ChildProcess::write(std::string_view text, Deadline deadline) {
  while (!text.empty()) {
    if (!await(socket_, POLLOUT, deadline)) return false;
    const ssize_t sent = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (sent < 0) return false;
    text.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

void ChildProcess::close_input() { ::shutdown(socket_, SHUT_WR); }

Heard ChildProcess::read_line(std::string& line, Deadline deadline) {
  while (true) {
    const size_t end = heard_.find('\n', searched_);
    if (end != std::string::npos) {
      line = heard_.substr(0, end);
      heard_.erase(0, end + 1);
      searched_ = 0;
      return Heard::line;
    }
    searched_ = heard_.size();
    if (heard_.size() > kLineLimit) return Heard::too_long;
    if (!await(socket_, POLLIN, deadline)) return Heard::silent;
    std::array<char, 65536> buffer;
    const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return Heard::ended;
    heard_.append(buffer.data(), static_cast<size_t>(got));
  }
}

/// Ends what it left behind before the system may give its number to another group.
int ChildProcess::reap() {
  ::kill(-process_, SIGKILL);
  int status = 0;
  while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
  process_ = 0;
  ended_ = WIFEXITED(status) ? cat("exit status ", WEXITSTATUS(status)) : cat("signal ", WTERMSIG(status));
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::optional<int> ChildProcess::wait(Deadline deadline) {
  if (process_ <= 0) return -1;
  siginfo_t ended{};
  while (::waitid(P_PID, static_cast<id_t>(process_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         ended.si_pid == 0) {
    if (std::chrono::steady_clock::now() > deadline) return std::nullopt;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return reap();
}

int ChildProcess::stop(int signal, milliseconds limit) {
  if (process_ <= 0) return -1;
  if (signal != SIGKILL) {
    ::kill(process_, signal);
    if (const auto exit = wait(std::chrono::steady_clock::now() + limit)) return *exit;
  }
  return reap();
}

std::string ChildProcess::how_it_ended() const { return cat(ended_, ", ", last_line(log_)); }

}  // namespace kigo::tools
