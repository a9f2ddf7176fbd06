#include "tools/lib/serve/problem.h"

#include "core/base/cat.h"
#include "core/base/check.h"
#include "core/base/json.h"

namespace kigo::tools {
namespace {

/// The words of the OpenAI API, whose clients choose their exceptions by the status and show this.
std::string_view type_of(WorkerError code) {
  const int status = row(code).http_status;
  if (status == 401) return "authentication_error";
  if (status == 403) return "permission_error";
  if (status == 429) return "rate_limit_error";
  return status >= 400 && status < 500 ? "invalid_request_error" : "server_error";
}

}  // namespace

std::string fact_of(const Error& error) {
  return cat(error.subject, ": ", error.found, error.expected.empty() ? "" : ", expected ", error.expected);
}

Problem invalid_request(std::vector<FieldError> fields) {
  KIGO_CHECK(!fields.empty());
  std::string message =
      fields.size() == 1 ? fields.front().message : cat(fields.size(), " fields are invalid");
  return {WorkerError::invalid_request, std::move(message), std::move(fields)};
}

std::string error_body(const Problem& problem, std::string_view correlation_id) {
  Json error = Json::object({{"code", name(problem.code)},
                             {"type", type_of(problem.code)},
                             {"message", problem.message},
                             {"param", problem.fields.empty() ? Json() : Json(problem.fields.front().field)},
                             {"retriable", row(problem.code).retriable},
                             {"correlation_id", correlation_id}});
  Json body = Json::object({{"error", std::move(error)}});
  if (problem.fields.empty()) return body.dump();
  Json fields = Json::array();
  for (const FieldError& each : problem.fields) {
    Json field =
        Json::object({{"field", each.field}, {"constraint", each.constraint}, {"message", each.message}});
    if (each.value) field.set("value", *each.value);
    fields.push(std::move(field));
  }
  body.set("errors", std::move(fields));
  return body.dump();
}

std::string_view cut_text(std::string_view text, size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
  return text.substr(0, limit);
}

}  // namespace kigo::tools
