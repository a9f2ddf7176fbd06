// f16 and bf16 as bit patterns with exact widening and round-to-nearest-even narrowing, usable at compile
// time.
#pragma once

#include <bit>
#include <cstdint>

namespace kigo {

/// IEEE 754 binary16. (-1)^s * 2^(e-15) * (1 + m/1024); e = 0: (-1)^s * m * 2^-24; e = 31: infinity or NaN.
struct f16 {
  uint16_t bits = 0;
  constexpr bool operator==(const f16&) const = default;
};

/// The upper half of an IEEE 754 binary32.
struct bf16 {
  uint16_t bits = 0;
  constexpr bool operator==(const bf16&) const = default;
};

/// Exact for all 65,536 patterns; a NaN keeps its payload.
constexpr float to_float(f16 h) {
  const uint32_t sign = uint32_t{h.bits & 0x8000u} << 16;
  const uint32_t exponent = (h.bits >> 10) & 31u;
  const uint32_t mantissa = h.bits & 0x3FFu;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000u | (mantissa << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;  // zero and subnormals: exact
  return sign != 0 ? -magnitude : magnitude;
}

/// Exact.
constexpr float to_float(bf16 b) { return std::bit_cast<float>(uint32_t{b.bits} << 16); }

/// Round to nearest, ties to even; overflow gives infinity; a NaN becomes quiet and keeps its sign.
constexpr f16 to_f16(double value) {
  const auto bits = std::bit_cast<uint64_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 48) & 0x8000u);
  const auto with_sign = [sign](uint64_t magnitude) { return f16{static_cast<uint16_t>(sign | magnitude)}; };
  const int exponent = static_cast<int>((bits >> 52) & 0x7FF) - 1023;
  const uint64_t mantissa = bits & 0xFFFFFFFFFFFFFull;
  if (exponent == 1024) return with_sign(mantissa == 0 ? 0x7C00u : 0x7E00u);
  if (exponent < -25) return with_sign(0);  // below half of the smallest subnormal, 2^-24
  // The value is significand * 2^(exponent - 52); the last place kept is 2^(exponent - 10), or 2^-24 for
  // subnormals.
  const uint64_t significand = mantissa | (1ull << 52);
  const int drop = exponent < -14 ? 42 + (-14 - exponent) : 42;
  const uint64_t half = 1ull << (drop - 1);
  const uint64_t rest = significand & ((1ull << drop) - 1);
  uint64_t kept = significand >> drop;
  if (rest > half || (rest == half && (kept & 1) != 0)) ++kept;
  if (exponent < -14) return with_sign(kept);  // a carry into 2^-14 is the right pattern by itself
  const int64_t biased =
      ((int64_t{exponent} + 14) << 10) + static_cast<int64_t>(kept);  // kept holds the hidden bit
  return with_sign(biased >= 0x7C00 ? 0x7C00u : static_cast<uint64_t>(biased));
}

/// Round to nearest, ties to even; a NaN becomes quiet and keeps its sign (docs/formats.md, section 3).
constexpr bf16 to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return {static_cast<uint16_t>((bits >> 16) | 0x40u)};
  return {static_cast<uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16)};
}

}  // namespace kigo
