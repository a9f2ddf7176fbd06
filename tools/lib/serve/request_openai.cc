#include "tools/lib/serve/request_openai.h"

#include <array>

#include "core/base/cat.h"

namespace kigo::tools {
namespace {

constexpr size_t kMaxMessages = 1024;

bool is_one(const Json& json) { return json.number() == 1.0; }
bool is_zero(const Json& json) { return json.number() == 0.0; }
bool is_false(const Json& json) { return json.boolean() != nullptr && !*json.boolean(); }
bool is_empty(const Json& json) {
  if (json.string() != nullptr) return json.string()->empty();
  if (json.items() != nullptr) return json.items()->empty();
  return json.is_object() && json.members()->empty();
}
bool is_text(const Json& json) {
  const Json* type = json.find("type");
  return type != nullptr && type->string() != nullptr && *type->string() == "text";
}

/// A field that kigo does not have, and the values that ask for nothing.
struct Unsupported {
  std::string_view name;
  bool (*harmless)(const Json&);
  std::string_view expected;
};
constexpr std::array kUnsupported = std::to_array<Unsupported>({
    {"n", is_one, "1"},
    {"best_of", is_one, "1"},
    {"logprobs", is_false, "false"},
    {"top_logprobs", is_zero, "0"},
    {"logit_bias", is_empty, "an empty object"},
    {"presence_penalty", is_zero, "0"},
    {"frequency_penalty", is_zero, "0"},
    {"echo", is_false, "false"},
    {"suffix", is_empty, "an empty string"},
    {"tools", is_empty, "an empty array"},
    {"functions", is_empty, "an empty array"},
    {"response_format", is_text, "{\"type\":\"text\"}"},
});

/// A message's content: a string, or text parts, joined.
void read_content(FieldReader& message, std::string& out) {
  const Json* content = message.take("content");
  if (content == nullptr) return message.refuse("content", "required", "absent", "a string or text parts");
  if (content->string() != nullptr) {
    out = *content->string();
    return;
  }
  if (content->items() == nullptr)
    return message.refuse("content", "type(string|array)", std::string(kind_of(*content)),
                          "a string or text parts");
  for (size_t i = 0; i < content->items()->size(); ++i) {
    const Json& part = (*content->items())[i];
    const Json* text = part.find("text");
    if (!is_text(part) || text == nullptr || text->string() == nullptr)
      return message.refuse(cat("content[", i, "]"), "text", "another part",
                            "{\"type\":\"text\",\"text\":\"...\"}");
    out += *text->string();
  }
}

std::optional<text::Role> role_named(std::string_view name) {
  if (name == "system" || name == "developer") return text::Role::system;
  if (name == "user") return text::Role::user;
  if (name == "assistant") return text::Role::assistant;
  return std::nullopt;
}

void read_role(FieldReader& message, text::Role& out) {
  const Json* value = message.take("role");
  if (value == nullptr) return message.refuse("role", "required", "absent", "a role");
  const std::string* name = value->string();
  const auto role = name == nullptr ? std::nullopt : role_named(*name);
  if (!role)
    return message.refuse("role", "one_of(system|developer|user|assistant)",
                          name == nullptr ? std::string(kind_of(*value)) : cat("\"", cut_text(*name), "\""),
                          "system, developer, user or assistant", value);
  out = *role;
}

}  // namespace

void read_openai_prompt(FieldReader& fields, const RequestLimits& limits, Request& out) {
  const Json* value = fields.take("prompt");
  if (value == nullptr) return fields.refuse("prompt", "required", "absent", "a string or an array of ids");
  if (value->items() != nullptr) return read_ids(fields, "prompt", limits, out.ids);
  fields.string("prompt", 1, limits.prompt_bytes, out.text);
}

void read_messages(FieldReader& fields, const RequestLimits& limits, Request& out) {
  const Json* value = fields.take("messages");
  if (value == nullptr) return fields.refuse("messages", "required", "absent", "an array of messages");
  const Json::Array* items = value->items();
  if (items == nullptr)
    return fields.refuse("messages", "type(array)", std::string(kind_of(*value)), "an array of messages");
  if (items->empty() || items->size() > kMaxMessages)
    return fields.refuse("messages", cat("items(1..", kMaxMessages, ")"), cat(items->size(), " messages"),
                         cat("1..", kMaxMessages));
  size_t bytes = 0;
  for (size_t i = 0; i < items->size(); ++i) {
    const std::string name = cat("messages[", i, "]");
    if (!(*items)[i].is_object()) {
      fields.refuse(name, "type(object)", std::string(kind_of((*items)[i])), "an object");
      continue;
    }
    FieldReader message = fields.within((*items)[i], cat(name, "."));
    text::Message read{};
    read_role(message, read.role);
    read_content(message, read.content);
    for (const char* const calls : {"tool_calls", "function_call"}) {
      if (const Json* call = message.take(calls); call != nullptr && !is_empty(*call))
        message.refuse(calls, "unsupported", std::string(kind_of(*call)), "none");
    }
    bytes += read.content.size();
    out.messages.push_back(std::move(read));
  }
  if (bytes > limits.prompt_bytes)
    fields.refuse("messages", cat("bytes(0..", limits.prompt_bytes, ")"), cat(bytes, " bytes"),
                  cat("at most ", limits.prompt_bytes));
}

void read_openai_fields(Api api, FieldReader& fields, const RequestLimits& limits, Request& out) {
  fields.take("model");  // may be anything: the reply has the real name
  out.stream = false;
  fields.boolean("stream", out.stream);
  if (const Json* options = fields.take("stream_options"); options != nullptr) {
    if (options->is_object()) {
      FieldReader inner = fields.within(*options, "stream_options.");
      inner.boolean("include_usage", out.include_usage);
    } else {
      fields.refuse("stream_options", "type(object)", std::string(kind_of(*options)), "an object", options);
    }
  }
  if (api == Api::chat && fields.take("max_completion_tokens") != nullptr) {
    const bool both = fields.take("max_tokens") != nullptr;
    int64_t limit = out.max_tokens;
    fields.integer("max_completion_tokens", 1, static_cast<uint64_t>(limits.tokens_out), limit);
    if (both && limit != out.max_tokens)
      fields.refuse("max_completion_tokens", "equal(max_tokens)", cat(limit),
                    cat(out.max_tokens, ", as max_tokens says"));
    out.max_tokens = limit;
  }
  for (const Unsupported& each : kUnsupported) {
    const Json* value = fields.take(each.name);
    if (value != nullptr && !each.harmless(*value)) {
      const bool scalar = !value->is_object() && value->items() == nullptr && value->string() == nullptr;
      fields.refuse(each.name, "unsupported", scalar ? value->scalar_text() : std::string(kind_of(*value)),
                    cat(each.expected, ", all that is supported"), value);
    }
  }
}

}  // namespace kigo::tools
