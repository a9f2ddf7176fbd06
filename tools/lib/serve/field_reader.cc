#include "tools/lib/serve/field_reader.h"

#include "core/base/cat.h"

namespace kigo::tools {
namespace {

std::string value_text(const Json& json) {
  const std::string* text = json.string();
  return std::string(cut_text(text != nullptr ? *text : json.dump()));
}

}  // namespace

std::string_view kind_of(const Json& json) {
  if (json.is_null()) return "null";
  if (json.boolean() != nullptr) return "a boolean";
  if (json.number()) return "a number";
  if (json.string() != nullptr) return "a string";
  return json.is_object() ? "an object" : "an array";
}

const Json* FieldReader::take(std::string_view name) {
  known_.emplace(name);
  const Json* member = object_->find(name);
  return member == nullptr || member->is_null() ? nullptr : member;
}

void FieldReader::refuse(std::string_view name, std::string constraint, const std::string& found,
                         const std::string& expected, const Json* value) {
  const std::string field = cat(prefix_, cut_text(name));
  FieldError error{field, std::move(constraint), cat(field, ": ", found, ", expected ", expected), {}};
  if (value != nullptr) error.value = value_text(*value);
  errors_->push_back(std::move(error));
}

bool FieldReader::wrong_type(std::string_view name, const Json& value, std::string_view type,
                             const std::string& expected) {
  refuse(name, cat("type(", type, ")"), std::string(kind_of(value)), expected, &value);
  return true;
}

bool FieldReader::boolean(std::string_view name, bool& out) {
  const Json* value = take(name);
  if (value == nullptr) return false;
  const bool* is = value->boolean();
  if (is == nullptr) return wrong_type(name, *value, "boolean", "true or false");
  out = *is;
  return true;
}

bool FieldReader::integer(std::string_view name, uint64_t low, uint64_t high, uint64_t& out) {
  const Json* value = take(name);
  if (value == nullptr) return false;
  const std::string range = cat(low, "..", high);
  if (!value->number()) return wrong_type(name, *value, "integer", cat("an integer ", range));
  const auto is = value->unsigned_integer();
  if (!is && !value->integer()) {  // 5.0, 1e3, 2^64 and more
    refuse(name, "type(integer)", value->scalar_text(), cat("an integer ", range), value);
  } else if (!is || *is < low || *is > high) {
    refuse(name, cat("range(", range, ")"), value->scalar_text(), range, value);
  } else {
    out = *is;
  }
  return true;
}

bool FieldReader::number(std::string_view name, double low, double high, float& out) {
  const Json* value = take(name);
  if (value == nullptr) return false;
  const std::string range = cat(low, "..", high);
  const auto is = value->number();
  if (!is) return wrong_type(name, *value, "number", cat("a number ", range));
  if (!(*is >= low && *is <= high)) {
    refuse(name, cat("range(", range, ")"), value->scalar_text(), range, value);
  } else {
    out = static_cast<float>(*is);
  }
  return true;
}

bool FieldReader::string(std::string_view name, size_t low, size_t high, std::string& out) {
  const Json* value = take(name);
  if (value == nullptr) return false;
  const std::string* is = value->string();
  if (is == nullptr) {
    refuse(name, "type(string)", std::string(kind_of(*value)),
           cat("a string of ", low, "..", high, " bytes"));
  } else if (is->size() < low || is->size() > high) {
    refuse(name, cat("bytes(", low, "..", high, ")"), cat(is->size(), " bytes"), cat(low, "..", high));
  } else {
    out = *is;
  }
  return true;
}

std::vector<std::string_view> FieldReader::unknown() const {
  std::vector<std::string_view> names;
  for (const Json::Member& member : *object_->members()) {
    if (!known_.contains(member.first)) names.push_back(member.first);
  }
  return names;
}

}  // namespace kigo::tools
