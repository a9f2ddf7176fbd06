// The id that follows a request through headers, events and logs.
#pragma once

#include <span>
#include <string>

namespace kigo::tools {

/// A random UUID, version 4: "9b2e7a54-....-4...-8...-............". Source: RFC 9562, section 5.4.
std::string uuid4();

/// The request's own id when it has exactly one of 1..64 characters A-Z a-z 0-9 . _ -, else a new one; never
/// a refusal. `headers`: the values of its X-Correlation-ID headers.
std::string correlation_id(std::span<const std::string> headers);

}  // namespace kigo::tools
