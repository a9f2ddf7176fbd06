// The byte map of byte-level BPE: every byte stands for one printable character, so that token texts are
// printable strings. Source: bytes_to_unicode in openai/gpt-2, src/encoder.py.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace kigo::text {

namespace detail {

constexpr bool stands_for_itself(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<char32_t, 256> byte_to_point() {
  std::array<char32_t, 256> points{};
  char32_t next = 0x100;  // the 68 others get U+0100, U+0101 ... in order
  for (unsigned byte = 0; byte < 256; ++byte) points[byte] = stands_for_itself(byte) ? byte : next++;
  return points;
}

}  // namespace detail

inline constexpr std::array<char32_t, 256> kBytePoints = detail::byte_to_point();

namespace detail {

constexpr std::array<int16_t, 0x144> point_to_byte() {
  std::array<int16_t, 0x144> bytes{};
  bytes.fill(-1);
  for (int16_t byte = 0; byte < 256; ++byte) bytes[kBytePoints[static_cast<size_t>(byte)]] = byte;
  return bytes;
}

inline constexpr std::array<int16_t, 0x144> kPointBytes = point_to_byte();

}  // namespace detail

/// The exact inverse: the byte that a character stands for, or nothing.
constexpr std::optional<uint8_t> byte_of_point(char32_t point) {
  if (point >= detail::kPointBytes.size() || detail::kPointBytes[point] < 0) return std::nullopt;
  return static_cast<uint8_t>(detail::kPointBytes[point]);
}

static_assert(kBytePoints[' '] == 0x120 && kBytePoints['\n'] == 0x10A && kBytePoints[0xAD] == 0x143);

}  // namespace kigo::text
