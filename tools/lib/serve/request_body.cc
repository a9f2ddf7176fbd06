#include "tools/lib/serve/request_body.h"

#include <algorithm>

#include "core/base/cat.h"
#include "core/text/unicode.h"

namespace kigo::tools {
namespace {

constexpr size_t kMaxDepth = 32;
constexpr size_t kMaxJobId = 128;
constexpr size_t kMaxUnknown = 64;  // an answer must not be many times as long as the question

bool of_a_job_id(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("._:-").find(c) != std::string_view::npos;
}

void refuse_body(std::vector<FieldError>& errors, std::string constraint, const Error& error) {
  std::string message = cat("body: ", error.found, ", expected ", error.expected);
  if (error.offset) message += cat(", byte ", *error.offset);
  errors.push_back({"body", std::move(constraint), std::move(message), std::nullopt});
}

}  // namespace

std::optional<Json> parse_body(std::string_view body, std::vector<FieldError>& errors) {
  if (const Status valid = text::check_utf8(body, "body"); !valid) {
    refuse_body(errors, "utf8", valid.error());
    return std::nullopt;
  }
  auto json = Json::parse(body, "body", kMaxDepth);
  if (!json) {
    refuse_body(errors, "json", json.error());
    return std::nullopt;
  }
  if (!json->is_object()) {
    refuse_body(errors, "type(object)",
                {Code::bad_value, "body", std::string(kind_of(*json)), "an object", std::nullopt});
    return std::nullopt;
  }
  return std::move(*json);
}

void read_job_id(FieldReader& fields, std::string& out) {
  const Json* value = fields.take("job_id");
  if (value == nullptr) return fields.refuse("job_id", "required", "absent", "a string");
  const std::string* id = value->string();
  if (id == nullptr)
    return fields.refuse("job_id", "type(string)", std::string(kind_of(*value)), "a string", value);
  if (id->empty() || id->size() > kMaxJobId) {
    return fields.refuse("job_id", cat("bytes(1..", kMaxJobId, ")"), cat(id->size(), " bytes"),
                         cat("1..", kMaxJobId), value);
  }
  if (!std::ranges::all_of(*id, of_a_job_id)) {
    return fields.refuse("job_id", "characters(A-Za-z0-9._:-)", cat("\"", cut_text(*id), "\""),
                         "characters A-Z a-z 0-9 . _ : -", value);
  }
  out = *id;
}

void refuse_unknown(FieldReader& fields) {
  const auto names = fields.unknown();
  for (size_t i = 0; i < std::min(names.size(), kMaxUnknown); ++i)
    fields.refuse(names[i], "known", "unknown field", "one of those in docs/worker.md, section 2.1");
  if (names.size() > kMaxUnknown) {
    fields.refuse("body", "known", cat(names.size() - kMaxUnknown, " more unknown fields"),
                  "those in docs/worker.md, section 2.1");
  }
}

}  // namespace kigo::tools
