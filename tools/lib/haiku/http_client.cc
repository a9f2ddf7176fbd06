#include "tools/lib/haiku/http_client.h"

#include <httplib.h>

#include <cstdlib>
#include <sstream>

#include "core/base/cat.h"

namespace kigo::tools {
namespace {

constexpr std::string_view kScheme = "http://";
// Behind the worker's own limits of 300 s for a job, so that a slow model ends by them.
constexpr std::chrono::seconds kReadTimeout(330);

}  // namespace

struct WorkerClient::Impl {
  httplib::Client client;
  httplib::Headers headers;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
};

WorkerClient::WorkerClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WorkerClient::WorkerClient(WorkerClient&&) noexcept = default;
WorkerClient::~WorkerClient() = default;

Result<WorkerClient> WorkerClient::create(const std::string& url, const std::string& key) {
  const bool right = url.starts_with(kScheme) && url.size() > kScheme.size() && url[kScheme.size()] != '/' &&
                     url.find_first_of("/@", kScheme.size()) == std::string::npos;
  if (!right) return fail(Code::invalid_request, "--url", escaped(url), "http://host:port");
  auto impl = std::make_unique<Impl>(Impl{httplib::Client(url), {}});
  impl->client.set_connection_timeout(5);
  impl->client.set_read_timeout(kReadTimeout);
  impl->client.set_tcp_nodelay(true);
  if (!key.empty()) impl->headers.emplace("Authorization", cat("Bearer ", key));
  return WorkerClient(std::move(impl));
}

double WorkerClient::ms() const {
  const auto passed = std::chrono::steady_clock::now() - impl_->start;
  return static_cast<double>(std::chrono::duration_cast<std::chrono::microseconds>(passed).count()) / 1e3;
}

Result<Json> WorkerClient::health() {
  const auto result = impl_->client.Get("/health", impl_->headers);
  if (!result) return fail(Code::io, "GET /health", httplib::to_string(result.error()));
  auto json = Json::parse(result->body, "/health");
  if (!json || !json->is_object())
    return fail(Code::io, "GET /health", cat("status ", result->status, " and no JSON object"));
  return *json;
}

Result<Json> WorkerClient::metrics() {
  const auto result = impl_->client.Get("/metrics", impl_->headers);
  if (!result) return fail(Code::io, "GET /metrics", httplib::to_string(result.error()));
  if (result->status != 200) return fail(Code::io, "GET /metrics", cat("status ", result->status), "200");
  return prometheus_samples(result->body);
}

void WorkerClient::execute(Exchange& exchange) {
  SseReader reader([&](std::string name, std::string data) {
    exchange.events.push_back({ms(), std::move(name), std::move(data)});
  });
  std::string body;  // of a refusal
  httplib::Request request;
  request.method = "POST";
  request.path = "/execute";
  request.headers = impl_->headers;
  request.headers.emplace("Content-Type", "application/json");
  request.headers.emplace("X-Correlation-ID", text_of(exchange.request, "correlation_id"));
  request.body = exchange.request.find("body")->dump();
  request.response_handler = [&](const httplib::Response& response) {
    exchange.reply_ms = ms();
    exchange.reply = Json::object({{"status", response.status},
                                   {"content_type", response.get_header_value("Content-Type")},
                                   {"cache_control", response.get_header_value("Cache-Control")},
                                   {"correlation_id", response.get_header_value("X-Correlation-ID")}});
    return true;
  };
  request.content_receiver = [&](const char* data, size_t size, uint64_t, uint64_t) {
    if (integer_of(exchange.reply, "status") == 200)
      reader.push({data, size});
    else
      body.append(data, size);
    return true;
  };
  exchange.sent_ms = ms();
  const auto result = impl_->client.send(request);
  reader.finish();
  if (!exchange.reply.is_null() && integer_of(exchange.reply, "status") != 200)
    exchange.reply.set("body", body);
  exchange.closed_ms = ms();
  exchange.closed = Json::object({{"detail", result ? "whole" : httplib::to_string(result.error())}});
}

Json prometheus_samples(const std::string& text) {
  Json samples = Json::object();
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t space = line.rfind(' ');
    if (line.starts_with('#') || space == std::string::npos) continue;
    const std::string name = line.substr(0, space);
    if (name.find("_bucket{") != std::string::npos || samples.find(name) != nullptr) continue;
    samples.set(name, std::strtod(line.c_str() + space + 1, nullptr));
  }
  return samples;
}

}  // namespace kigo::tools
