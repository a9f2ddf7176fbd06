// Result<T> and Status: how everything that input, files or hardware can get wrong is reported.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace kigo {

/// What kind of thing went wrong. The names are part of the output (`--json`, tests) and are never changed.
enum class Code : uint8_t {
  // File and format, docs/gguf.md.
  io,
  truncated,
  bad_magic,
  bad_version,
  big_endian,
  limit_exceeded,
  bad_name,
  duplicate_name,
  bad_value_type,
  bad_tensor_type,
  bad_value,
  wrong_type,
  bad_shape,
  size_overflow,
  bad_offset,
  split_file,
  missing_key,
  missing_tensor,
  unexpected_tensor,
  wrong_shape,
  unsupported,
  bad_data,
  // Requests.
  invalid_request,
  invalid_utf8,
  context_overflow,
  // Running.
  inference_failed,
  out_of_memory,
  cuda,
  cancelled,
};

/// The stable name of a code: "bad_shape".
std::string_view name(Code code);

/// One refusal: what was looked at, what was there, what should have been there.
struct Error {
  Code code;
  std::string subject;             // tensor, key, file, option; already printable
  std::string found;               // the fact
  std::string expected;            // may be empty when nothing sensible can be said
  std::optional<uint64_t> offset;  // byte offset in the file, where there is one

  /// One line: `blk.3.attn_q.weight: shape [896, 640], expected [896, 896] (wrong_shape, byte 4711)`.
  std::string message() const;

  bool operator==(const Error&) const = default;
};

/// Either a T or an Error; dropping one on the floor is a compile-time warning, and warnings are errors.
template <class T>
struct [[nodiscard]] Result : tl::expected<T, Error> {
  using tl::expected<T, Error>::expected;
};

using Status = Result<void>;

/// `return fail(Code::bad_value, "alignment", "3", "a power of two", offset);`
inline tl::unexpected<Error> fail(Code code, std::string subject, std::string found,
                                  std::string expected = {}, std::optional<uint64_t> offset = std::nullopt) {
  return tl::unexpected<Error>(
      Error{code, std::move(subject), std::move(found), std::move(expected), offset});
}

}  // namespace kigo

#define KIGO_JOIN_(a, b) a##b
#define KIGO_JOIN(a, b) KIGO_JOIN_(a, b)

/// Returns the error of a Status or Result to the caller; a value is dropped.
#define KIGO_TRY(expression)                                                \
  do {                                                                      \
    if (auto kigo_status = (expression); !kigo_status)                      \
      return tl::unexpected<::kigo::Error>(std::move(kigo_status.error())); \
  } while (false)

/// `KIGO_ASSIGN(const File file, open(path));` declares the value, or returns the error to the caller.
#define KIGO_ASSIGN(declaration, expression)                                                    \
  auto KIGO_JOIN(kigo_result_, __LINE__) = (expression);                                        \
  if (!KIGO_JOIN(kigo_result_, __LINE__))                                                       \
    return tl::unexpected<::kigo::Error>(std::move(KIGO_JOIN(kigo_result_, __LINE__).error())); \
  declaration = std::move(*KIGO_JOIN(kigo_result_, __LINE__))
