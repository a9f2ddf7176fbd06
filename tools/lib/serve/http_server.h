// The routes over TCP: HTTP/1.1 by cpp-httplib, with connections of our own below it.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "core/base/result.h"
#include "tools/lib/serve/routes.h"

namespace kigo::tools {

struct HttpOptions {
  std::string host = "127.0.0.1";
  int port = 8080;                                  // 0: the system chooses
  size_t threads = 25;                              // each serves one connection at a time
  std::chrono::milliseconds read_timeout{5'000};    // no byte arrives for so long: the connection ends
  std::chrono::milliseconds write_timeout{10'000};  // none is accepted for so long
  std::chrono::milliseconds heartbeat{15'000};      // a comment after so much silence; 0: off
};

class HttpServer {
 public:
  explicit HttpServer(HttpOptions options);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Takes the port; returns which. Nobody else can have it at the same time. Errors: io.
  Result<int> bind();
  /// Serves until stop(), and until the last connection has its answer. Both outlive it.
  void run(Routes& routes, Worker& worker);
  /// No new connections; run() ends when those that are open are served. Any other thread, while run() runs,
  /// is about to, or has ended.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kigo::tools
