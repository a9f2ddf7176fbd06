#include "tools/lib/haiku/child_server.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "tools/lib/haiku/exchange.h"

namespace kigo::tools {
namespace {

using std::chrono::milliseconds;

/// This process's variables, those that are set anew left out, and those.
std::vector<std::string> variables(const ChildOptions& options) {
  std::vector<std::string> all;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view variable = *each;
    bool replaced = false;
    for (const auto& [name, value] : options.environment)
      replaced = replaced || variable.starts_with(name + "=");
    if (!replaced) all.emplace_back(variable);
  }
  for (const auto& [name, value] : options.environment) all.push_back(cat(name, "=", value));
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

/// Between fork and exec: only calls that are safe there.
[[noreturn]] void become(const char* path, char* const* argv, char* const* environment, int output, int log,
                         pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it died before the line above
  ::dup2(output, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::execve(path, argv, environment);
  ::_exit(127);
}

std::string last_line(const std::string& log) {
  std::string text = read_text_file(log).value_or("");
  while (text.ends_with('\n')) text.pop_back();
  return escaped(text.substr(text.rfind('\n') + 1), 400);
}

int exit_status(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }

}  // namespace

Result<std::unique_ptr<ChildServer>> ChildServer::start(const ChildOptions& options) {
  const int log = ::open(options.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log < 0) return fail(Code::io, options.log, std::strerror(errno));
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    ::close(log);
    return fail(Code::io, "pipe", std::strerror(errno));
  }
  std::vector<std::string> arguments = options.argv;
  std::vector<std::string> environment = variables(options);
  const std::vector<char*> argv = pointers(arguments), envp = pointers(environment);
  const pid_t parent = ::getpid();
  const pid_t process = ::fork();
  if (process == 0) become(arguments[0].c_str(), argv.data(), envp.data(), pipe[1], log, parent);
  ::close(log);
  ::close(pipe[1]);
  std::unique_ptr<ChildServer> server(new ChildServer(process, pipe[0]));
  if (process < 0) return fail(Code::io, options.argv[0], "cannot be started");
  KIGO_TRY(server->await_ready(options));
  return server;
}

ChildServer::~ChildServer() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  ::close(output_);
}

Status ChildServer::await_ready(const ChildOptions& options) {
  const auto end = std::chrono::steady_clock::now() + options.ready_limit;
  std::string out;
  while (!out.ends_with('\n')) {
    const auto left = std::chrono::duration_cast<milliseconds>(end - std::chrono::steady_clock::now());
    pollfd state{output_, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&state, 1, static_cast<int>(left.count())) == 0)
      return fail(Code::io, "kigo serve", cat("not ready in ", options.ready_limit.count(), " s"));
    std::array<char, 1024> buffer;
    const ssize_t got = ::read(output_, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      int status = 0;
      ::waitpid(process_, &status, 0);
      process_ = 0;
      return fail(Code::io, "kigo serve",
                  cat("exit status ", exit_status(status), ", ", last_line(options.log)));
    }
    out.append(buffer.data(), static_cast<size_t>(got));
  }
  KIGO_ASSIGN(const Json ready, Json::parse(out, "the line that says ready"));
  url_ = text_of(ready, "ready");
  return {};
}

int ChildServer::stop(std::chrono::seconds limit) {
  if (process_ <= 0) return -1;
  ::kill(process_, SIGTERM);
  const auto end = std::chrono::steady_clock::now() + limit;
  int status = 0;
  while (::waitpid(process_, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > end) {
      ::kill(process_, SIGKILL);
      ::waitpid(process_, &status, 0);
      break;
    }
    std::this_thread::sleep_for(milliseconds(5));
  }
  process_ = 0;
  return exit_status(status);
}

}  // namespace kigo::tools
