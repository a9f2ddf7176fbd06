#include "tools/lib/serve/callback.h"

#include <httplib.h>

#include <chrono>
#include <thread>

#include "core/base/cat.h"

namespace kigo::tools {
namespace {

constexpr std::string_view kCallbackScheme = "http://";
constexpr int kAttempts = 3;

}  // namespace

bool is_callback_url(const std::string& url) {
  return url.starts_with(kCallbackScheme) && url.size() > kCallbackScheme.size() &&
         url[kCallbackScheme.size()] != '/';
}

void call_back(const std::string& url, const Json& body, const Log& log, const std::atomic<bool>& stop) {
  const size_t slash = url.find('/', kCallbackScheme.size());
  httplib::Client client(url.substr(0, slash));
  client.set_connection_timeout(2);
  client.set_read_timeout(2);
  client.set_write_timeout(2);
  const std::string path = slash == std::string::npos ? "/" : url.substr(slash);
  for (int attempt = 1; attempt <= kAttempts && !stop; ++attempt) {
    const auto result = client.Post(path, body.dump(), "application/json");
    if (result && result->status / 100 == 2) return;
    log.write(LogLevel::warn, "callback_failed",
              Json::object({{"attempt", attempt},
                            {"reason",
                             result ? cat("status ", result->status) : httplib::to_string(result.error())}}));
    for (int wait = 0; wait < 50 && attempt < kAttempts && !stop; ++wait)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace kigo::tools
