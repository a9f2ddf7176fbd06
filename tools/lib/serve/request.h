// A request to generate, from the bytes of its body: every field with its type and range, and all that is
// wrong with it at once. Source: docs/worker.md, sections 2.1 and 2.3.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/sample/sampler.h"
#include "core/text/chat.h"
#include "tools/lib/serve/problem.h"

namespace kigo::tools {

/// Whose fields a body has.
enum class Api : uint8_t { execute, completions, chat };

/// What the worker was started with.
struct RequestLimits {
  size_t prompt_bytes = 131072;  // of a text, or of all messages together
  int64_t tokens_out = 2048;     // upper end of max_tokens
  int64_t vocab = 0;             // ids of a prompt are below it
};

/// Accepted. Exactly one of text, ids and messages is the prompt.
struct Request {
  std::string job_id;                   // of Api::execute; else empty
  std::string text;                     // as it is
  std::vector<uint32_t> ids;            // verification without the tokenizer
  std::vector<text::Message> messages;  // in the model's chat format
  bool parse_special = true;            // special token text in `text` becomes its id
  sample::Params sampling;              // but for the seed
  std::optional<uint64_t> seed;
  int64_t max_tokens = 0;
  std::vector<std::string> stop;
  bool ignore_eos = false;
  bool return_token_ids = false;
  int64_t metrics_every_tokens = 0;
  bool stream = true;                // of the OpenAI-compatible routes
  bool include_usage = false;        // likewise
  std::vector<std::string> ignored;  // names of fields that those routes do not know
};

/// Either a request that every other part may rely on, or what is wrong with it, never empty.
struct ParsedRequest {
  std::optional<Request> request;
  std::vector<FieldError> errors;
};

/// The body is any bytes. Refused as a whole, field "body": what is no UTF-8, no JSON, nested deeper than 32,
/// an object with a name twice, anything but an object. `null` is as good as absent, where a field is
/// optional. Numbers are JSON numbers and rounded to float once.
ParsedRequest parse_request(Api api, std::string_view body, const RequestLimits& limits);

/// The job id of a body of /cancel.
struct ParsedCancel {
  std::string job_id;
  std::vector<FieldError> errors;
};
ParsedCancel parse_cancel(std::string_view body);

}  // namespace kigo::tools
