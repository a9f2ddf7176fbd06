// The whole worker as a process: from its options to its exit status.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "tools/lib/serve/http_server.h"
#include "tools/lib/serve/log.h"
#include "tools/lib/serve/open_model.h"
#include "tools/lib/serve/routes.h"
#include "tools/lib/serve/worker.h"

namespace kigo::tools {

/// Exit statuses besides those of kigo's other commands.
enum ServeExit : int { kPortTaken = 4, kLoadTimeout = 5, kForced = 6 };

struct ServeOptions {
  ModelOptions model;
  bool choose_backend = true;  // --backend auto
  HttpOptions http;
  RouteOptions routes;
  WorkerOptions worker;
  LogOptions log;
  std::string callback_url;                // told when ready; empty: nobody
  std::chrono::seconds load_timeout{600};  // 0: off
  std::chrono::seconds shutdown_timeout{30};
};

/// Whether only this machine can reach an address: 127.0.0.0/8, ::1, localhost.
bool is_loopback(const std::string& host);

/// Serves until SIGTERM, SIGINT or POST /shutdown. Logs go to standard error; standard output gets one line,
/// when ready. Returns the exit status, or ends the process with it where a thread cannot be ended. Without
/// `open` the model comes from its file. Source: docs/worker.md, section 1.
int serve(ServeOptions options, Opener open = nullptr);

}  // namespace kigo::tools
