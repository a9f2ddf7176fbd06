#include "tools/lib/serve/routes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

#include "core/base/cat.h"
#include "tools/lib/serve/correlation.h"
#include "tools/lib/serve/page.h"

namespace kigo::tools {
namespace {

struct Route {
  std::string_view path;
  std::string_view method;
  bool open;  // answers without a key
  bool json;  // wants a JSON body
};
constexpr std::array kRoutes = std::to_array<Route>({
    {"/execute", "POST", false, true},
    {"/cancel", "POST", false, true},
    {"/shutdown", "POST", false, false},
    {"/health", "GET", true, false},
    {"/metrics", "GET", false, false},
    {"/v1/completions", "POST", false, true},
    {"/v1/chat/completions", "POST", false, true},
    {"/v1/models", "GET", false, false},
    {"/", "GET", true, false},
});

const Route* find_route(std::string_view path) {
  const auto* const at = std::ranges::find(kRoutes, path, &Route::path);
  return at == kRoutes.end() ? nullptr : at;
}

/// Every byte is looked at, however early they differ: the time tells nothing about the key.
bool equal_in_constant_time(std::string_view a, std::string_view b) {
  size_t difference = a.size() ^ b.size();
  for (size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<size_t>(static_cast<unsigned char>(a[i]) ^
                                      static_cast<unsigned char>(b.empty() ? 0 : b[i % b.size()]));
  return difference == 0;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

bool is_json(std::string_view content_type) {
  std::string_view media = content_type.substr(0, content_type.find(';'));
  while (media.ends_with(' ') || media.ends_with('\t')) media.remove_suffix(1);
  return lower(media) == "application/json";
}

Reply json_reply(const RequestHead& head, int status, const Json& body) {
  Reply reply;
  reply.status = status;
  reply.body = body.dump();
  reply.headers = {{"X-Correlation-ID", head.correlation_id}};
  return reply;
}

}  // namespace

std::vector<std::string> RequestHead::values(std::string_view name) const {
  std::vector<std::string> found;
  for (const auto& [key, value] : headers) {
    if (key == name) found.push_back(value);
  }
  return found;
}

RequestHead Routes::head(std::string method, std::string path,
                         std::vector<std::pair<std::string, std::string>> headers) {
  RequestHead head{std::move(method), std::move(path), std::move(headers), {}};
  for (auto& header : head.headers) header.first = lower(header.first);
  head.correlation_id = correlation_id(head.values("x-correlation-id"));
  return head;
}

Reply Routes::refuse(const RequestHead& head, const Problem& problem,
                     std::optional<int> retry_after_s) const {
  Reply reply;
  reply.status = row(problem.code).http_status;
  reply.body = error_body(problem, head.correlation_id);
  reply.headers = {{"X-Correlation-ID", head.correlation_id}};
  if (retry_after_s) reply.headers.emplace_back("Retry-After", cat(*retry_after_s));
  if (problem.code == WorkerError::unauthorized) reply.headers.emplace_back("WWW-Authenticate", "Bearer");
  reply.close = true;
  log_.write(LogLevel::info, "request_refused",
             Json::object({{"correlation_id", head.correlation_id},
                           {"code", name(problem.code)},
                           {"message", problem.message}}));
  return reply;
}

bool Routes::authorised(const RequestHead& head) const {
  if (!options_.api_key) return true;
  const auto values = head.values("authorization");
  return values.size() == 1 && equal_in_constant_time(values.front(), cat("Bearer ", *options_.api_key));
}

Reply Routes::too_large(const RequestHead& head) const {
  return refuse(head, {WorkerError::payload_too_large, cat("body: more than ", body_limit(), " bytes"), {}});
}

std::optional<Reply> Routes::before_body(const RequestHead& head) const {
  const Route* route = find_route(head.path);
  if (!(route != nullptr && route->open) && !authorised(head))
    return refuse(head, {WorkerError::unauthorized, "missing or wrong key", {}});
  const auto origins = head.values("origin");
  const auto hosts = head.values("host");
  const std::string own =
      cat("http://", hosts.empty() ? cat(options_.host, ":", options_.port) : hosts.front());
  for (const std::string& origin : origins) {
    if (origin != own)
      return refuse(head, {WorkerError::forbidden_origin,
                           cat("origin ", cut_text(origin), ", expected ", cut_text(own)),
                           {}});
  }
  if (route == nullptr) {
    std::string known;
    for (const Route& each : kRoutes) known += cat(known.empty() ? "" : ", ", each.path);
    return refuse(head,
                  {WorkerError::not_found, cat("no route ", escaped(head.path), "; there are ", known), {}});
  }
  const bool head_of_get = head.method == "HEAD" && route->method == "GET";
  if (head.method != route->method && !head_of_get) {
    Reply reply = refuse(head, {WorkerError::method_not_allowed,
                                cat(head.method, " ", route->path, ": expected ", route->method),
                                {}});
    reply.headers.emplace_back("Allow", route->method == "GET" ? "GET, HEAD" : std::string(route->method));
    return reply;
  }
  const auto types = head.values("content-type");
  if (route->json && (types.size() != 1 || !is_json(types.front())))
    return refuse(head, {WorkerError::unsupported_media_type,
                         cat("content type ", types.empty() ? "absent" : cut_text(types.front()),
                             ", expected application/json"),
                         {}});
  for (const std::string& length : head.values("content-length")) {
    uint64_t bytes = 0;
    const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bytes);
    if (error != std::errc() || end != length.data() + length.size() || bytes > body_limit())
      return too_large(head);
  }
  return std::nullopt;
}

Reply Routes::answer(const RequestHead& head, std::string_view body) {
  if (head.path == "/execute") return generate(Api::execute, head, body);
  if (head.path == "/v1/completions") return generate(Api::completions, head, body);
  if (head.path == "/v1/chat/completions") return generate(Api::chat, head, body);
  if (head.path == "/cancel") return cancel(head, body);
  if (head.path == "/shutdown") return stop(head);
  if (head.path == "/v1/models") return models(head);
  if (head.path == "/health") return json_reply(head, worker_.healthy() ? 200 : 503, worker_.health());
  Reply reply = json_reply(head, 200, Json());
  const bool metrics = head.path == "/metrics";
  reply.content_type = metrics ? "text/plain; version=0.0.4" : "text/html; charset=utf-8";
  reply.body = metrics ? worker_.metrics_text() : std::string(page());
  return reply;
}

Reply Routes::cancel(const RequestHead& head, std::string_view body) {
  ParsedCancel parsed = parse_cancel(body);
  if (!parsed.errors.empty()) return refuse(head, invalid_request(std::move(parsed.errors)));
  const CancelState state = worker_.cancel(parsed.job_id);
  log_.write(
      LogLevel::info, "cancel",
      Json::object(
          {{"job_id", parsed.job_id}, {"correlation_id", head.correlation_id}, {"state", name(state)}}));
  return json_reply(head, 202, Json::object({{"job_id", parsed.job_id}, {"state", name(state)}}));
}

Reply Routes::stop(const RequestHead& head) {
  const Admission::Snapshot before = worker_.begin_stop();
  Reply reply = json_reply(head, 202,
                           Json::object({{"state", "stopping"},
                                         {"running", static_cast<uint64_t>(before.running)},
                                         {"waiting", static_cast<uint64_t>(before.waiting)},
                                         {"limit_s", options_.shutdown_limit_s}}));
  reply.close = true;
  shutdown_();
  return reply;
}

Reply Routes::models(const RequestHead& head) const {
  const Loaded* loaded = worker_.loaded();
  if (loaded == nullptr)
    return refuse(head, {WorkerError::not_ready, "loading", {}}, worker_.retry_after_s());
  const Json meta =
      Json::object({{"n_vocab", loaded->tokenizer->size()}, {"n_ctx", loaded->backend->context()}});
  const Json model = Json::object({{"id", loaded->name},
                                   {"object", "model"},
                                   {"created", static_cast<int64_t>(std::time(nullptr))},
                                   {"owned_by", "kigo"},
                                   {"meta", meta}});
  return json_reply(head, 200, Json::object({{"object", "list"}, {"data", Json::array({model})}}));
}

}  // namespace kigo::tools
