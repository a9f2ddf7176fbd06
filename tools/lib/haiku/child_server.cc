#include "tools/lib/haiku/child_server.h"

#include <signal.h>

#include "core/base/cat.h"
#include "core/base/json.h"
#include "tools/lib/haiku/exchange.h"

namespace kigo::tools {

Result<std::unique_ptr<ChildServer>> ChildServer::start(const ChildOptions& options) {
  KIGO_ASSIGN(std::unique_ptr<ChildProcess> child, ChildProcess::start(options));
  std::unique_ptr<ChildServer> server(new ChildServer(std::move(child)));
  const Deadline end = std::chrono::steady_clock::now() + options.ready_limit;
  std::string line;
  const Heard heard = server->child_->read_line(line, end);
  if (heard == Heard::silent)
    return fail(Code::io, "kigo serve", cat("not ready in ", options.ready_limit.count(), " s"));
  if (heard != Heard::line) {
    server->child_->wait(end);
    return fail(Code::io, "kigo serve", server->child_->how_it_ended());
  }
  KIGO_ASSIGN(const Json ready, Json::parse(line, "the line that says ready"));
  server->url_ = text_of(ready, "ready");
  return server;
}

int ChildServer::stop(std::chrono::seconds limit) { return child_->stop(SIGTERM, limit); }

}  // namespace kigo::tools
