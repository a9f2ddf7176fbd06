// Reading members of a JSON object into typed variables; a missing or mistyped one is an error that names it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"

namespace kigo::tools {

/// Reads members of one object. Errors: bad_value, subject `FILE, MEMBER`.
class Fields {
 public:
  /// Keeps a reference: the object outlives the fields.
  Fields(const Json& object, std::string file) : object_(object), file_(std::move(file)) {}
  Fields(const Json&&, std::string) = delete;

  /// The fields of a member that is an object; where there is none, every read names what is missing.
  Fields of(std::string_view key) const;

  Status get(std::string_view key, std::string& out) const;
  Status get(std::string_view key, int64_t& out) const;
  Status get(std::string_view key, bool& out) const;
  Status get(std::string_view key, double& out) const;
  Status get(std::string_view key, std::vector<double>& out) const;
  Status get(std::string_view key, std::vector<int64_t>& out) const;
  Status get(std::string_view key, std::vector<uint32_t>& out) const;  // each 0..2^32-1
  /// The items of an array; empty is an error too.
  Result<const Json::Array*> items(std::string_view key) const;

 private:
  const Json& object_;
  std::string file_;
};

}  // namespace kigo::tools
