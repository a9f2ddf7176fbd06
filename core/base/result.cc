#include "core/base/result.h"

#include <array>

#include "core/base/cat.h"
#include "core/base/check.h"

namespace kigo {

std::string_view name(Code code) {
  static constexpr std::array kNames = std::to_array<std::string_view>({
      "io",
      "truncated",
      "bad_magic",
      "bad_version",
      "big_endian",
      "limit_exceeded",
      "bad_name",
      "duplicate_name",
      "bad_value_type",
      "bad_tensor_type",
      "bad_value",
      "wrong_type",
      "bad_shape",
      "size_overflow",
      "bad_offset",
      "split_file",
      "missing_key",
      "missing_tensor",
      "unexpected_tensor",
      "wrong_shape",
      "unsupported",
      "bad_data",
      "invalid_request",
      "invalid_utf8",
      "context_overflow",
      "inference_failed",
      "out_of_memory",
      "cuda",
      "cancelled",
  });
  static_assert(kNames.size() == static_cast<size_t>(Code::cancelled) + 1);
  const auto index = static_cast<size_t>(code);
  KIGO_CHECK(index < kNames.size());
  return kNames[index];
}

std::string Error::message() const {
  std::string text = cat(subject, ": ", found);
  if (!expected.empty()) text += cat(", expected ", expected);
  text += cat(" (", name(code));
  if (offset) text += cat(", byte ", *offset);
  return text + ")";
}

}  // namespace kigo
