#include "bench/serve_client.h"

#include <httplib.h>

#include "core/base/cat.h"
#include "tools/lib/haiku/exchange.h"

namespace kigo::bench {

struct ServeClient::Impl {
  httplib::Client client;
};

ServeClient::ServeClient(const std::string& url) : impl_(std::make_unique<Impl>(Impl{httplib::Client(url)})) {
  impl_->client.set_tcp_nodelay(true);
  impl_->client.set_read_timeout(std::chrono::seconds(330));
}
ServeClient::~ServeClient() = default;

Streamed ServeClient::execute(const std::string& body,
                              const std::function<bool(const std::string& name)>& on_event) {
  Streamed streamed;
  bool listening = true;
  tools::SseReader reader([&](const std::string& name, const std::string& data) {
    const auto now = Clock::now();
    if (name == "comment") return;
    if (name == "token") streamed.tokens.push_back(now);
    if (name == "end" || name == "error") {
      streamed.ended = now;
      if (const auto end = Json::parse(data, "event"); end && name == "end")
        streamed.tokens_out = static_cast<uint64_t>(tools::integer_of(*end, "tokens_out"));
    }
    streamed.last = name;
    if (on_event && listening) listening = on_event(name);
  });
  httplib::Request request;
  request.method = "POST";
  request.path = "/execute";
  request.headers.emplace("Content-Type", "application/json");
  request.body = body;
  request.response_handler = [&](const httplib::Response& response) {
    streamed.status = response.status;
    return true;
  };
  request.content_receiver = [&](const char* data, size_t size, uint64_t, uint64_t) {
    reader.push({data, size});
    return listening;
  };
  streamed.sent = Clock::now();
  impl_->client.send(request);
  return streamed;
}

void ServeClient::vanish() { impl_->client.stop(); }

Json ServeClient::get(const std::string& path) {
  const auto result = impl_->client.Get(path);
  const auto json = result ? Json::parse(result->body, path) : Result<Json>(Json::object({}));
  return json ? *json : Json::object({});
}

void ServeClient::cancel(const std::string& job_id) {
  impl_->client.Post("/cancel", Json::object({{"job_id", job_id}}).dump(), "application/json");
}

}  // namespace kigo::bench
