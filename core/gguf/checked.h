// Arithmetic on numbers that come from a file: nothing wraps.
#pragma once

#include <cstdint>
#include <optional>

namespace kigo::gguf {

/// a * b, a + b; nullopt when 64 bits do not hold the result.
inline std::optional<uint64_t> times(uint64_t a, uint64_t b) {
  uint64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
  return result;
}
inline std::optional<uint64_t> plus(uint64_t a, uint64_t b) {
  uint64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) return std::nullopt;
  return result;
}

/// The first multiple of `alignment` (a power of two) at or after `value`; nullopt when 64 bits do not hold
/// it.
inline std::optional<uint64_t> align_up(uint64_t value, uint64_t alignment) {
  const std::optional<uint64_t> sum = plus(value, alignment - 1);
  if (!sum) return std::nullopt;
  return *sum & ~(alignment - 1);
}

}  // namespace kigo::gguf
