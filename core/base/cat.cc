#include "core/base/cat.h"

namespace kigo {

std::string escaped(std::string_view bytes, size_t limit) {
  std::string out;
  for (const char c : bytes.substr(0, limit)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\') {
      out += "\\\\";
    } else if (byte >= 0x20 && byte < 0x7F) {
      out += c;
    } else {
      constexpr std::string_view kDigits = "0123456789abcdef";
      out += cat("\\x", kDigits[byte >> 4], kDigits[byte & 15]);
    }
  }
  return bytes.size() > limit ? out + "..." : out;
}

std::string grouped(uint64_t value) {
  std::string digits = cat(value);
  for (size_t left = digits.size(); left > 3;) {
    left -= 3;
    digits.insert(left, 1, ',');
  }
  return digits;
}

std::string hex(uint64_t value, int digits) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out = "0x";
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += kDigits[(value >> shift) & 15];
  return out;
}

}  // namespace kigo
