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
// Of a stream that never ends; the events of 2048 tokens are below 1 MiB.
constexpr size_t kMostStreamBytes = size_t{4} << 20;
// Health and metrics are answered at once, in a few KiB.
constexpr std::chrono::seconds kAtOnce(10);
constexpr size_t kMostBytes = size_t{1} << 20;

}  // namespace

struct WorkerClient::Impl {
  httplib::Client client;
  httplib::Headers headers;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();

  struct Page {
    int status = 0;
    std::string body;
  };
  /// Errors: io, also for what is too long or takes too long.
  Result<Page> get(const std::string& path) {
    const std::string subject = cat("GET ", path);
    const auto end = std::chrono::steady_clock::now() + kAtOnce;
    Page page;
    client.set_read_timeout(kAtOnce);
    const auto result = client.Get(
        path, headers,
        [&](const httplib::Response& response) {
          page.status = response.status;
          return true;
        },
        [&](const char* data, size_t size) {
          page.body.append(data, size);
          return page.body.size() <= kMostBytes && std::chrono::steady_clock::now() < end;
        });
    client.set_read_timeout(kReadTimeout);
    if (page.body.size() > kMostBytes)
      return fail(Code::io, subject, cat("more than ", kMostBytes, " bytes"), "a worker's answer");
    if (std::chrono::steady_clock::now() >= end)
      return fail(Code::io, subject, cat("not answered within ", kAtOnce.count(), " s"));
    if (!result) return fail(Code::io, subject, httplib::to_string(result.error()));
    return page;
  }
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
  KIGO_ASSIGN(const Impl::Page page, impl_->get("/health"));
  auto json = Json::parse(page.body, "/health");
  if (!json || !json->is_object())
    return fail(Code::io, "GET /health", cat("status ", page.status, " and no JSON object"));
  return *json;
}

Result<Json> WorkerClient::metrics() {
  KIGO_ASSIGN(const Impl::Page page, impl_->get("/metrics"));
  if (page.status != 200) return fail(Code::io, "GET /metrics", cat("status ", page.status), "200");
  return prometheus_samples(page.body);
}

void WorkerClient::execute(Exchange& exchange) {
  SseReader reader([&](std::string name, std::string data) {
    exchange.events.push_back({ms(), std::move(name), std::move(data)});
  });
  std::string body;  // of a refusal
  size_t received = 0;
  const auto end = std::chrono::steady_clock::now() + kReadTimeout;
  bool late = false;
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
    received += size;
    late = std::chrono::steady_clock::now() > end;  // comments alone could keep a connection open for ever
    if (late || received > kMostStreamBytes) return false;
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
  std::string detail = result ? "whole" : httplib::to_string(result.error());
  if (received > kMostStreamBytes) detail = cat("more than ", kMostStreamBytes, " bytes");
  if (late) detail = cat("not over after ", kReadTimeout.count(), " s");
  exchange.closed = Json::object({{"detail", std::move(detail)}});
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
