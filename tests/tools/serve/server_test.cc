// The worker as a process whose model is a script: the exit statuses that a supervisor must tell apart.
#include "tools/lib/serve/server.h"

#include <signal.h>
#include <unistd.h>

#include "tests/tools/serve/client.h"
#include "tests/tools/serve/fixture.h"

namespace kigo::tools {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct ServeDeath : testing::Test {
  ServeOptions options = [] {
    ServeOptions some;
    some.choose_backend = false;
    some.http.port = 0;
    some.log.worker_id = "w";
    return some;
  }();
};

/// Longer than a test may last, deaf to whoever wants it to end.
void sleep_for_ever() { std::this_thread::sleep_for(seconds(120)); }

Result<std::unique_ptr<Loaded>> never(const LoadProgress&) {
  sleep_for_ever();
  return fail(Code::io, "model", "none", "one");
}

/// Called on a thread of the worker's: earlier ones would not have its mask of signals.
void stop_this_process() { ::kill(::getpid(), SIGTERM); }

int free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(probe, reinterpret_cast<const sockaddr*>(&address), size);
  ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(probe);
  return ntohs(address.sin_port);
}

TEST_F(ServeDeath, AModelThatDoesNotLoadInTimeIsStatus5) {
  options.load_timeout = seconds(1);
  EXPECT_EXIT(std::exit(serve(options, never)), testing::ExitedWithCode(kLoadTimeout),
              "error MODEL_LOAD_FAILED: loading: not done after 1 s \\(--load-timeout-s\\)");
}

TEST_F(ServeDeath, ASignalWhileLoadingIsStatus0WithinASecond) {
  const auto stopped_while_loading = [](const LoadProgress& progress) {
    stop_this_process();
    return never(progress);
  };
  const auto start = Clock::now();
  EXPECT_EXIT(std::exit(serve(options, stopped_while_loading)), testing::ExitedWithCode(0), "");
  EXPECT_LT(Clock::now() - start, seconds(5));  // a second, and a busy machine
}

TEST_F(ServeDeath, AJobThatDoesNotEndIsStatus6AtTheShutdownLimit) {
  options.shutdown_timeout = seconds(1);
  options.http.port = free_port();
  const auto open_hanging = [port =
                                 options.http.port](const LoadProgress&) -> Result<std::unique_ptr<Loaded>> {
    std::thread([port] {
      std::string answer;
      for (int i = 0; i < 100 && status_of(answer) != 200; ++i) {  // 503 until the model is there
        std::this_thread::sleep_for(milliseconds(20));
        Client client(port);
        client.send(post("/execute", request("j")));
        answer = client.read_until("\r\n\r\n");
        if (status_of(answer) != 200) continue;
        client.read_until("event: token");
        stop_this_process();
        client.read_all();
      }
    }).detach();
    return scripted({.on_step = [](size_t step) -> Status {
      if (step == 1) sleep_for_ever();
      return {};
    }});
  };
  EXPECT_EXIT(std::exit(serve(options, open_hanging)), testing::ExitedWithCode(kForced),
              "\"event\":\"shutdown\"");
}

}  // namespace
}  // namespace kigo::tools
