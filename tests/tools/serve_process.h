// `kigo serve` as a process of its own, and curl to talk to it.
#pragma once

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/tools/program.h"
#include "tools/lib/goldens.h"

extern char** environ;

namespace kigo::tools {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// As it stands in JSON.
inline constexpr const char* kPrompt = "Write a haiku about rain that includes the word \\\"six\\\"";

class ServeProcess : public ProgramTest {
 protected:
  ~ServeProcess() override { end(); }

  void end() {
    if (process_ > 0) {
      ::kill(process_, SIGKILL);
      ::waitpid(process_, nullptr, 0);
    }
    process_ = 0;
    std::filesystem::remove(path("out"));
  }

  /// Starts the program with its outputs in files; waits for the line that says it is ready.
  void start(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {KIGO_PROGRAM, "serve", "--model", shipped_model(), "--port", "0"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::string command = cat("exec 2> ", path("err"), " > ", path("out"), "; exec");
    for (const std::string& argument : arguments) command += cat(" '", argument, "'");
    std::vector<char*> words;
    std::string shell = "/bin/sh", option = "-c";
    for (std::string* word : {&shell, &option, &command}) words.push_back(word->data());
    words.push_back(nullptr);
    ASSERT_EQ(::posix_spawn(&process_, "/bin/sh", nullptr, nullptr, words.data(), environ), 0);
    const auto begun = Clock::now();
    while (Clock::now() - begun < std::chrono::seconds(20)) {
      const auto out = read_text_file(path("out"));
      if (out && out->ends_with('\n')) {
        const Json line = *Json::parse(*out, "ready");
        url_ = *line.find("ready")->string();
        ready_ = Clock::now() - begun;
        return;
      }
      std::this_thread::sleep_for(milliseconds(5));
    }
    FAIL() << "not ready: " << *read_text_file(path("err"));
  }
  /// The exit status within `limit`; -1 when it goes on.
  int exit_within(milliseconds limit) {
    const auto end = Clock::now() + limit;
    while (Clock::now() < end) {
      int status = 0;
      if (::waitpid(process_, &status, WNOHANG) == process_) {
        process_ = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      }
      std::this_thread::sleep_for(milliseconds(5));
    }
    return -1;
  }
  void send_signal(int signal) const { ::kill(process_, signal); }
  std::string errors() const { return *read_text_file(path("err")); }

  /// What a shell command prints; $URL is the server's address.
  std::string shell(const std::string& command) const {
    EXPECT_EQ(std::system(cat("URL=", url_, "; { ", command, "; } > ", path("shell"), " 2>&1").c_str()), 0)
        << command;
    return *read_text_file(path("shell"));
  }
  std::string post(const std::string& route, const std::string& body, const std::string& options = {}) const {
    EXPECT_TRUE(write_file(path("body.json"), body));
    return shell(cat("curl -sN ", options, " -H 'Content-Type: application/json' --data-binary @",
                     path("body.json"), " $URL", route));
  }

  std::string url_;
  Clock::duration ready_{};
  pid_t process_ = 0;
};

inline std::string execute_body(const std::string& more) {
  return cat(R"({"job_id":"j","prompt":")", kPrompt, R"(","template":"chat")", more, "}");
}

/// The value behind `"ids":` of every event, joined.
inline std::string ids_in(const std::string& stream) {
  std::string ids;
  for (size_t at = 0; (at = stream.find("\"ids\":[", at)) != std::string::npos; at += 7) {
    const std::string list = stream.substr(at + 7, stream.find(']', at) - at - 7);
    ids += cat(ids.empty() || list.empty() ? "" : ",", list);
  }
  return ids;
}

}  // namespace kigo::tools
