// What the bodies of all routes have in common.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "tools/lib/serve/field_reader.h"
#include "tools/lib/serve/problem.h"

namespace kigo::tools {

/// The object of a body, or nothing and why.
std::optional<Json> parse_body(std::string_view body, std::vector<FieldError>& errors);

/// `job_id`: 1..128 of A-Z a-z 0-9 . _ : -, required.
void read_job_id(FieldReader& fields, std::string& out);

/// Refuses what nobody took, each by its name; beyond 64 of them only their count.
void refuse_unknown(FieldReader& fields);

}  // namespace kigo::tools
