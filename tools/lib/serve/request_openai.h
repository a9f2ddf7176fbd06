// The fields that only the OpenAI-compatible routes have: docs/worker.md, section 2.3.
#pragma once

#include <string_view>
#include <vector>

#include "tools/lib/serve/field_reader.h"
#include "tools/lib/serve/request.h"

namespace kigo::tools {

/// An array of at least one id below the vocabulary.
void read_ids(FieldReader& fields, std::string_view name, const RequestLimits& limits,
              std::vector<uint32_t>& out);

/// `prompt` of /v1/completions: a string, or an array of ids. Required.
void read_openai_prompt(FieldReader& fields, const RequestLimits& limits, Request& out);

/// `messages`: 1..1024, each with a role and a string or text parts. Required.
void read_messages(FieldReader& fields, const RequestLimits& limits, Request& out);

/// `stream`, `stream_options`, `model`, and the refusal of what would change the result and is not supported.
void read_openai_fields(Api api, FieldReader& fields, const RequestLimits& limits, Request& out);

}  // namespace kigo::tools
