// Telling whoever started the worker that it is ready.
#pragma once

#include <atomic>
#include <string>

#include "core/base/json.h"
#include "tools/lib/serve/log.h"

namespace kigo::tools {

/// "http://host:8080/path" with anything behind the host left out or not; other schemes are not spoken.
bool is_callback_url(const std::string& url);

/// POSTs `body` until a server answers with 2xx: 3 attempts, 1 s apart, each at most some seconds long. What
/// fails is logged and never more than that; `stop` ends it between attempts.
void call_back(const std::string& url, const Json& body, const Log& log, const std::atomic<bool>& stop);

}  // namespace kigo::tools
