// The routes, without sockets: a request in, a reply or a job whose events are the reply out. The order of
// the checks is that of docs/worker.md, section 2.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/lib/serve/job.h"
#include "tools/lib/serve/request.h"
#include "tools/lib/serve/worker.h"

namespace kigo::tools {

/// A request but for its body. Names of headers in lower case.
struct RequestHead {
  std::string method;
  std::string path;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string correlation_id;  // of routes.cc's making

  std::vector<std::string> values(std::string_view name) const;
};

struct Reply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  bool close = false;        // no further request on this connection
  std::shared_ptr<Job> job;  // its buffer is the body: as it comes when `stream`, else whole
  bool stream = false;
  std::shared_ptr<std::atomic<int>> job_status;  // of a body that is not streamed, once it is complete
};

struct RouteOptions {
  std::string host = "127.0.0.1";  // that the server is bound to
  int port = 8080;
  std::optional<std::string> api_key = {};
  size_t prompt_bytes = 131072;  // a body is at most 8 times that
  int64_t tokens_in = 0;         // 0: context - 1
  int64_t tokens_out = 2048;
  int shutdown_limit_s = 30;
};

class Routes {
 public:
  /// `shutdown` is called for POST /shutdown. The worker outlives the routes.
  Routes(RouteOptions options, Worker& worker, const Log& log, Metrics& metrics,
         std::function<void()> shutdown)
      : options_(std::move(options)),
        worker_(worker),
        log_(log),
        metrics_(metrics),
        shutdown_(std::move(shutdown)) {}

  /// Reads X-Correlation-ID, or makes one up.
  static RequestHead head(std::string method, std::string path,
                          std::vector<std::pair<std::string, std::string>> headers);

  /// What can be refused before the body is read: key, origin, route, method, content type, announced size.
  std::optional<Reply> before_body(const RequestHead& head) const;
  size_t body_limit() const { return options_.prompt_bytes * 8; }
  Reply too_large(const RequestHead& head) const;
  /// A request that before_body let pass, with its body.
  Reply answer(const RequestHead& head, std::string_view body);
  /// For what the HTTP library itself refuses.
  Reply refuse(const RequestHead& head, const Problem& problem, std::optional<int> retry_after_s = {}) const;

 private:
  bool authorised(const RequestHead& head) const;
  Reply generate(Api api, const RequestHead& head, std::string_view body);
  Result<std::vector<uint32_t>> prompt_of(const Loaded& loaded, const Request& request) const;
  void bind(Job& job, Reply& reply, Api api, const Request& request, const std::string& model) const;
  Reply cancel(const RequestHead& head, std::string_view body);
  Reply stop(const RequestHead& head);
  Reply models(const RequestHead& head) const;

  RouteOptions options_;
  Worker& worker_;
  const Log& log_;
  Metrics& metrics_;
  std::function<void()> shutdown_;
};

}  // namespace kigo::tools
