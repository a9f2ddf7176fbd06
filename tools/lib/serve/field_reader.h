// Reads the members of a request's JSON object, each with its type and range, and collects all that is wrong.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "tools/lib/serve/problem.h"

namespace kigo::tools {

/// "a number", "an array".
std::string_view kind_of(const Json& json);

/// Every reader leaves `out` alone when the member is absent or null, and when it refuses it.
class FieldReader {
 public:
  /// Both outlive the reader. `prefix`: in front of the names in errors, "messages[2].".
  FieldReader(const Json& object, std::vector<FieldError>& errors, std::string prefix = {})
      : object_(&object), errors_(&errors), prefix_(std::move(prefix)) {}

  /// The member, null when it is absent or null. It counts as known from then on.
  const Json* take(std::string_view name);

  /// Whether a member that is not null was there.
  bool boolean(std::string_view name, bool& out);
  bool integer(std::string_view name, uint64_t low, uint64_t high, uint64_t& out);
  template <class T>
  bool integer(std::string_view name, uint64_t low, uint64_t high, T& out) {
    auto wide = static_cast<uint64_t>(out);
    const bool there = integer(name, low, high, wide);
    out = static_cast<T>(wide);
    return there;
  }
  /// low..high, both included, rounded to float once.
  bool number(std::string_view name, double low, double high, float& out);
  /// A string of low..high bytes, which no refusal repeats.
  bool string(std::string_view name, size_t low, size_t high, std::string& out);

  /// Adds a refusal `NAME: FOUND, expected EXPECTED`, with the value where one is given.
  void refuse(std::string_view name, std::string constraint, const std::string& found,
              const std::string& expected, const Json* value = nullptr);

  /// A reader of an object inside of this one, whose refusals join these.
  FieldReader within(const Json& object, std::string prefix) const {
    return {object, *errors_, std::move(prefix)};
  }

  /// Names of the members that nobody took, in their order.
  std::vector<std::string_view> unknown() const;

 private:
  bool wrong_type(std::string_view name, const Json& value, std::string_view type,
                  const std::string& expected);

  const Json* object_;
  std::vector<FieldError>* errors_;
  std::string prefix_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace kigo::tools
