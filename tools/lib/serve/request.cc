#include "tools/lib/serve/request.h"

#include <algorithm>
#include <limits>

#include "core/base/cat.h"
#include "tools/lib/serve/field_reader.h"
#include "tools/lib/serve/request_body.h"
#include "tools/lib/serve/request_openai.h"

namespace kigo::tools {
namespace {

constexpr int64_t kDefaultMaxTokens = 2048;
constexpr size_t kMaxStops = 4;
constexpr size_t kMaxStopBytes = 100;
constexpr uint64_t kMaxTopK = 2147483647;
constexpr uint64_t kMaxMetricsEvery = 1024;

void read_penalty(FieldReader& fields, float& out) {
  const Json* value = fields.take("repetition_penalty");
  if (value == nullptr) return;
  const auto is = value->number();
  const char* const expected = "above 0, at most 2";
  if (!is)
    return fields.refuse("repetition_penalty", "type(number)", std::string(kind_of(*value)),
                         cat("a number ", expected), value);
  // What a float rounds to zero would be divided by.
  if (!(static_cast<float>(*is) > 0 && *is <= 2))
    return fields.refuse("repetition_penalty", "range(>0..2)", value->scalar_text(), expected, value);
  out = static_cast<float>(*is);
}

void read_stop(FieldReader& fields, std::vector<std::string>& out) {
  const Json* value = fields.take("stop");
  if (value == nullptr) return;
  const Json::Array single{*value};
  const Json::Array* items = value->string() != nullptr ? &single : value->items();
  if (items == nullptr)
    return fields.refuse("stop", "type(string|array)", std::string(kind_of(*value)),
                         "a string or an array of strings");
  if (items->size() > kMaxStops)
    return fields.refuse("stop", cat("items(0..", kMaxStops, ")"), cat(items->size(), " strings"),
                         cat("at most ", kMaxStops));
  for (size_t i = 0; i < items->size(); ++i) {
    const std::string name = value->items() != nullptr ? cat("stop[", i, "]") : "stop";
    const std::string* text = (*items)[i].string();
    if (text == nullptr) {
      fields.refuse(name, "type(string)", std::string(kind_of((*items)[i])), "a string");
    } else if (text->empty() || text->size() > kMaxStopBytes) {
      fields.refuse(name, cat("bytes(1..", kMaxStopBytes, ")"), cat(text->size(), " bytes"),
                    cat("1..", kMaxStopBytes));
    } else {
      out.push_back(*text);
    }
  }
}

void read_seed(FieldReader& fields, std::optional<uint64_t>& out) {
  const bool there = fields.take("seed") != nullptr;
  uint64_t seed = 0;
  fields.integer("seed", 0, std::numeric_limits<uint64_t>::max(), seed);
  if (there) out = seed;
}

/// Fields that all three have.
void read_sampling(FieldReader& fields, const RequestLimits& limits, Request& out) {
  out.max_tokens = std::min(kDefaultMaxTokens, limits.tokens_out);
  fields.integer("max_tokens", 1, static_cast<uint64_t>(limits.tokens_out), out.max_tokens);
  fields.number("temperature", 0, 2, out.sampling.temperature);
  fields.number("top_p", 0, 1, out.sampling.top_p);
  fields.number("min_p", 0, 1, out.sampling.min_p);
  fields.integer("top_k", 0, kMaxTopK, out.sampling.top_k);
  read_penalty(fields, out.sampling.repetition_penalty);
  read_seed(fields, out.seed);
  read_stop(fields, out.stop);
  fields.boolean("ignore_eos", out.ignore_eos);
}

/// Whether the prompt is to be a message.
bool read_template(FieldReader& fields) {
  const Json* value = fields.take("template");
  if (value == nullptr) return false;
  const std::string* name = value->string();
  if (name == nullptr || (*name != "none" && *name != "chat"))
    fields.refuse("template", "one_of(none|chat)",
                  name == nullptr ? std::string(kind_of(*value)) : cat("\"", cut_text(*name), "\""),
                  "none or chat", value);
  return name != nullptr && *name == "chat";
}

void read_execute(FieldReader& fields, const RequestLimits& limits, Request& out) {
  read_job_id(fields, out.job_id);
  const bool text = fields.take("prompt") != nullptr;
  const bool ids = fields.take("prompt_tokens") != nullptr;
  fields.string("prompt", 1, limits.prompt_bytes, out.text);
  read_ids(fields, "prompt_tokens", limits, out.ids);
  if (text == ids)
    fields.refuse("prompt", "one_of(prompt|prompt_tokens)", text ? "prompt and prompt_tokens" : "absent",
                  "one of prompt and prompt_tokens");
  if (read_template(fields)) {
    if (ids) fields.refuse("template", "one_of(none)", "chat", "none with prompt_tokens");
    out.messages.push_back({text::Role::user, std::move(out.text)});
    out.text.clear();
  }
  fields.boolean("parse_special", out.parse_special);
  fields.boolean("return_token_ids", out.return_token_ids);
  fields.integer("metrics_every_tokens", 0, kMaxMetricsEvery, out.metrics_every_tokens);
  read_sampling(fields, limits, out);
  refuse_unknown(fields);
}

void read_openai(Api api, FieldReader& fields, const RequestLimits& limits, Request& out) {
  if (api == Api::chat) {
    read_messages(fields, limits, out);
  } else {
    read_openai_prompt(fields, limits, out);
    fields.boolean("parse_special", out.parse_special);
  }
  read_sampling(fields, limits, out);
  read_openai_fields(api, fields, limits, out);
  for (const std::string_view name : fields.unknown()) out.ignored.emplace_back(name);
}

}  // namespace

void read_ids(FieldReader& fields, std::string_view name, const RequestLimits& limits,
              std::vector<uint32_t>& out) {
  const Json* value = fields.take(name);
  if (value == nullptr) return;
  const Json::Array* items = value->items();
  if (items == nullptr)
    return fields.refuse(name, "type(array)", std::string(kind_of(*value)), "an array of token ids", value);
  if (items->empty()) return fields.refuse(name, "items(1..)", "no ids", "at least 1");
  for (size_t i = 0; i < items->size(); ++i) {
    const auto id = (*items)[i].unsigned_integer();
    if (!id || *id >= static_cast<uint64_t>(limits.vocab)) {
      const Json& item = (*items)[i];
      const std::string found = item.number() ? item.scalar_text() : std::string(kind_of(item));
      return fields.refuse(cat(name, "[", i, "]"), cat("range(0..", limits.vocab - 1, ")"), found,
                           cat("an id 0..", limits.vocab - 1), &item);
    }
    out.push_back(static_cast<uint32_t>(*id));
  }
}

ParsedRequest parse_request(Api api, std::string_view body, const RequestLimits& limits) {
  ParsedRequest parsed;
  const auto json = parse_body(body, parsed.errors);
  if (!json) return parsed;
  Request request;
  FieldReader fields(*json, parsed.errors);
  if (api == Api::execute) {
    read_execute(fields, limits, request);
  } else {
    read_openai(api, fields, limits, request);
  }
  if (parsed.errors.empty()) parsed.request = std::move(request);
  return parsed;
}

ParsedCancel parse_cancel(std::string_view body) {
  ParsedCancel parsed;
  const auto json = parse_body(body, parsed.errors);
  if (!json) return parsed;
  FieldReader fields(*json, parsed.errors);
  read_job_id(fields, parsed.job_id);
  refuse_unknown(fields);
  return parsed;
}

}  // namespace kigo::tools
