// Refusals as a worker's clients see them: one error, and for requests the list of all that is wrong with
// them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/worker_error.h"

namespace kigo::tools {

/// One thing that is wrong with one field of a request.
struct FieldError {
  std::string field;                 // "temperature", "messages[2].role", "body"
  std::string constraint;            // "range(0..2)"
  std::string message;               // "temperature: 2.5, expected 0..2"
  std::optional<std::string> value;  // what was there, cut to 64 bytes; none for texts of the user's

  bool operator==(const FieldError&) const = default;
};

/// A refusal, or the end of a job that went wrong.
struct Problem {
  WorkerError code = WorkerError::internal;
  std::string message;
  std::vector<FieldError> fields;  // of invalid_request
};

/// "prompt: 600 tokens, expected at most 511": an error's message, which here has its code beside it.
std::string fact_of(const Error& error);

/// `fields`, which are not empty, as one refusal: "2 fields are invalid", or the message of the only one.
Problem invalid_request(std::vector<FieldError> fields);

/// The body of every reply that is no success, as JSON in one line. Source: docs/worker.md, section 2.4.
std::string error_body(const Problem& problem, std::string_view correlation_id);

/// The first bytes of a text, at most `limit` and no part of a character.
std::string_view cut_text(std::string_view text, size_t limit = 64);

}  // namespace kigo::tools
