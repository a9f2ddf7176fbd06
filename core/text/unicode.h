// UTF-8 as bytes and code points, and Unicode normal form C.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace kigo::text {

enum class Utf8 : uint8_t {
  valid,
  ill_formed,  // no continuation makes these bytes a character
  incomplete,  // the bytes end inside of what can still become a character
};

/// What stands at the front of some bytes.
struct Utf8Step {
  Utf8 kind;
  uint8_t length;       // of the character, of the maximal ill-formed subpart, or of the incomplete rest
  char32_t code_point;  // when valid
};

/// The first character of `bytes`, which are not empty. Source: Unicode 15, table 3-7 and definition D93b.
Utf8Step utf8_step(std::string_view bytes);

/// The offset of the first byte that belongs to no character; nothing when all is well-formed.
std::optional<size_t> first_ill_formed(std::string_view bytes);

/// Errors: invalid_utf8 with the byte's value and offset.
Status check_utf8(std::string_view bytes, std::string subject);

/// Appends the UTF-8 form of a Unicode scalar value.
void append_utf8(std::string& out, char32_t code_point);

/// Normal form C of well-formed UTF-8, in time proportional to its length (n log n inside one run of
/// combining marks). Source: Unicode Standard Annex #15.
std::string nfc(std::string_view text);

}  // namespace kigo::text
