#include "tools/lib/json_fields.h"

#include <limits>

#include "core/base/cat.h"

namespace kigo::tools {
namespace {

tl::unexpected<Error> wrong(const std::string& file, std::string_view key, std::string expected) {
  return fail(Code::bad_value, cat(file, ", ", key), "missing or of another type", std::move(expected));
}

/// Fills `out` from an array by `convert`, which gives an optional of the element's type.
template <class T, class Convert>
bool fill(const Json* member, std::vector<T>& out, const Convert& convert) {
  if (member == nullptr || member->items() == nullptr) return false;
  for (const Json& item : *member->items()) {
    const auto value = convert(item);
    if (!value) return false;
    out.push_back(static_cast<T>(*value));
  }
  return true;
}

}  // namespace

Fields Fields::of(std::string_view key) const {
  static const Json kNone;
  const Json* member = object_.find(key);
  return {member == nullptr ? kNone : *member, cat(file_, ", ", key)};
}

Status Fields::get(std::string_view key, std::string& out) const {
  const Json* member = object_.find(key);
  if (member == nullptr || member->string() == nullptr) return wrong(file_, key, "a string");
  out = *member->string();
  return {};
}

Status Fields::get(std::string_view key, int64_t& out) const {
  const Json* member = object_.find(key);
  if (member == nullptr || !member->integer()) return wrong(file_, key, "an integer");
  out = *member->integer();
  return {};
}

Status Fields::get(std::string_view key, bool& out) const {
  const Json* member = object_.find(key);
  if (member == nullptr || member->boolean() == nullptr) return wrong(file_, key, "true or false");
  out = *member->boolean();
  return {};
}

Status Fields::get(std::string_view key, double& out) const {
  const Json* member = object_.find(key);
  if (member == nullptr || !member->number()) return wrong(file_, key, "a number");
  out = *member->number();
  return {};
}

Status Fields::get(std::string_view key, std::vector<double>& out) const {
  const bool filled = fill(object_.find(key), out, [](const Json& item) { return item.number(); });
  if (!filled) return wrong(file_, key, "an array of numbers");
  return {};
}

Status Fields::get(std::string_view key, std::vector<int64_t>& out) const {
  const bool filled = fill(object_.find(key), out, [](const Json& item) { return item.integer(); });
  if (!filled) return wrong(file_, key, "an array of integers");
  return {};
}

Status Fields::get(std::string_view key, std::vector<uint32_t>& out) const {
  const bool filled = fill(object_.find(key), out, [](const Json& item) {
    const auto value = item.integer();
    return value && *value >= 0 && *value <= std::numeric_limits<uint32_t>::max() ? value : std::nullopt;
  });
  if (!filled) return wrong(file_, key, "an array of token ids");
  return {};
}

Result<const Json::Array*> Fields::items(std::string_view key) const {
  const Json* member = object_.find(key);
  if (member == nullptr || member->items() == nullptr || member->items()->empty()) {
    return wrong(file_, key, "an array that is not empty");
  }
  return member->items();
}

}  // namespace kigo::tools
