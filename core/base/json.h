// Json: a small value type for reports and golden data. The parser behind it is nlohmann's, seen only by
// json.cc.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/result.h"

namespace kigo {

/// null, bool, integer, number, string, array or object. Objects keep the order in which members were added.
class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;

  Json() = default;
  Json(bool value) : value_(value) {}
  Json(int value) : value_(int64_t{value}) {}
  Json(int64_t value) : value_(value) {}
  Json(uint64_t value) : value_(value) {}
  Json(uint32_t value) : value_(uint64_t{value}) {}
  Json(double value) : value_(value) {}  // NaN and infinity are written as the strings "nan", "inf", "-inf"
  Json(const char* value) : value_(std::string(value)) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(Array value) : value_(std::move(value)) {}

  /// `Json::object({{"name", "rope"}, {"cases", 12}})`
  static Json object(std::initializer_list<Member> members = {});
  static Json array(Array items = {}) { return Json(std::move(items)); }
  template <class Range>
  static Json array_of(const Range& range) {
    Array items;
    for (const auto& item : range) items.emplace_back(item);
    return Json(std::move(items));
  }

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }

  /// Readers: null when the value is of another kind; the integers take any whole number that fits, written
  /// without a point or an exponent.
  const bool* boolean() const { return std::get_if<bool>(&value_); }
  std::optional<int64_t> integer() const;
  std::optional<uint64_t> unsigned_integer() const;
  std::optional<double> number() const;
  const std::string* string() const { return std::get_if<std::string>(&value_); }
  const Array* items() const { return std::get_if<Array>(&value_); }
  const Object* members() const { return std::get_if<Object>(&value_); }

  /// The member of that name, or null (also when this is no object).
  const Json* find(std::string_view key) const;
  /// Adds a member (this must be an object) or an item (this must be an array).
  void set(std::string key, Json value);
  void push(Json value);

  /// One line; strings that are not valid UTF-8 get U+FFFD for each ill-formed part. indent > 0: many lines.
  std::string dump(int indent = -1) const;
  /// The text of a value that is neither array nor object.
  std::string scalar_text() const;

  static constexpr size_t kMaxDepth = 64;
  /// Errors: bad_value with the byte offset; duplicate keys, nesting beyond `max_depth`, numbers too large
  /// for a double and trailing text are refused.
  static Result<Json> parse(std::string_view text, std::string subject, size_t max_depth = kMaxDepth);

  bool operator==(const Json&) const = default;

 private:
  explicit Json(Object value) : value_(std::move(value)) {}
  std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, Array, Object> value_;
};

}  // namespace kigo
