// Typed look-ups of metadata keys that keep a list of what was wrong with them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/gguf/file.h"

namespace kigo::model {

enum class Need : uint8_t { optional, required };

/// An inclusive range of counts.
struct Range {
  int64_t low = 0;
  int64_t high = (int64_t{1} << 31) - 1;  // docs/gguf.md, section 3, principle 7
};

/// "u32", "array of string".
std::string type_name(const gguf::Value& value);

/// Reads keys one by one. Each look-up gives the value, or nothing when the key is absent or wrong; a wrong
/// one, and a required one that is absent, adds an error. Types are exact: nothing is converted, except that
/// counts may be u32 or u64.
class Keys {
 public:
  explicit Keys(const gguf::File& file) : file_(file) {}

  std::optional<int64_t> count(const std::string& key, Need need, Range range = {});
  /// Finite and above zero.
  std::optional<float> real(const std::string& key, Need need);
  std::optional<std::string_view> text(const std::string& key, Need need);
  /// Null instead of nothing.
  const gguf::Array* strings(const std::string& key, Need need);

  void add(Code code, const std::string& key, std::string found, std::string expected);

  std::string owner = "a model";  // who needs the keys, for the messages
  std::vector<Error> errors;

 private:
  const gguf::Pair* find(const std::string& key, Need need, std::string_view expected);
  template <class T>
  const T* value(const std::string& key, Need need, std::string_view expected);

  const gguf::File& file_;
};

}  // namespace kigo::model
