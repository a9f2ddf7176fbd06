#include "core/model/keys.h"

#include <cmath>
#include <utility>

#include "core/base/cat.h"

namespace kigo::model {

std::string type_name(const gguf::Value& value) {
  if (const auto* array = std::get_if<gguf::Array>(&value)) return cat("array of ", name(array->element));
  return std::string(name(gguf::type_of(value)));
}

void Keys::add(Code code, const std::string& key, std::string found, std::string expected) {
  const gguf::Pair* pair = file_.find_pair(key);
  errors.push_back({code, key, std::move(found), std::move(expected),
                    pair == nullptr ? std::nullopt : std::optional(pair->offset)});
}

const gguf::Pair* Keys::find(const std::string& key, Need need, std::string_view expected) {
  const gguf::Pair* pair = file_.find_pair(key);
  if (pair == nullptr && need == Need::required)
    add(Code::missing_key, key, "missing", cat(expected, ", which ", owner, " needs"));
  return pair;
}

template <class T>
const T* Keys::value(const std::string& key, Need need, std::string_view expected) {
  const gguf::Pair* pair = find(key, need, expected);
  if (pair == nullptr) return nullptr;
  const T* typed = std::get_if<T>(&pair->value);
  if (typed == nullptr) add(Code::wrong_type, key, type_name(pair->value), std::string(expected));
  return typed;
}

std::optional<int64_t> Keys::count(const std::string& key, Need need, Range range) {
  const gguf::Pair* pair = find(key, need, "u32");
  if (pair == nullptr) return std::nullopt;
  uint64_t number = 0;
  if (const auto* narrow = std::get_if<uint32_t>(&pair->value)) {
    number = *narrow;
  } else if (const auto* wide = std::get_if<uint64_t>(&pair->value)) {
    number = *wide;
  } else {
    add(Code::wrong_type, key, type_name(pair->value), "u32 or u64");
    return std::nullopt;
  }
  if (std::cmp_less(number, range.low) || std::cmp_greater(number, range.high)) {
    add(Code::bad_value, key, cat(number), cat(range.low, " to ", range.high));
    return std::nullopt;
  }
  return static_cast<int64_t>(number);
}

std::optional<float> Keys::real(const std::string& key, Need need) {
  const float* number = value<float>(key, need, "f32");
  if (number == nullptr) return std::nullopt;
  if (!std::isfinite(*number) || *number <= 0) {
    add(Code::bad_value, key, cat(*number), "a finite number above 0");
    return std::nullopt;
  }
  return *number;
}

std::optional<std::string_view> Keys::text(const std::string& key, Need need) {
  const auto* text = value<std::string_view>(key, need, "string");
  return text == nullptr ? std::nullopt : std::optional(*text);
}

const gguf::Array* Keys::strings(const std::string& key, Need need) {
  static constexpr std::string_view kExpected = "array of string";
  const auto* array = value<gguf::Array>(key, need, kExpected);
  if (array == nullptr || array->element == gguf::ValueType::string) return array;
  add(Code::wrong_type, key, type_name(*array), std::string(kExpected));
  return nullptr;
}

}  // namespace kigo::model
