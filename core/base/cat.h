// Small helpers that turn values into message text.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace kigo {

namespace detail {
inline void append(std::string& out, std::string_view text) { out += text; }
inline void append(std::string& out, char c) { out += c; }
template <class N>
  requires(std::integral<N> || std::floating_point<N>)
void append(std::string& out, N value) {
  if constexpr (std::same_as<N, bool>) {
    out += value ? "true" : "false";
  } else {
    char buffer[64];
    out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
  }
}
}  // namespace detail

/// Joins text and numbers; floating point prints the shortest digits that read back to the same value.
template <class... Parts>
std::string cat(const Parts&... parts) {
  std::string out;
  (detail::append(out, parts), ...);
  return out;
}

/// "[896, 640]".
template <class N>
std::string list(std::span<const N> values) {
  std::string out = "[";
  for (size_t i = 0; i < values.size(); ++i) out += cat(i == 0 ? "" : ", ", values[i]);
  return out + "]";
}

/// File text made printable: control and non-ASCII bytes as \xNN, a backslash doubled, cut after `limit`
/// bytes.
std::string escaped(std::string_view bytes, size_t limit = 64);

/// 1234567 -> "1,234,567", for tables that people read.
std::string grouped(uint64_t value);

/// "0x0000002a".
std::string hex(uint64_t value, int digits);

}  // namespace kigo
