// Blocks of 256 values. All roundings of scales and minimums go toward zero, so that the largest value of a
// sub-block keeps the end code: decoded values then have the extremes that give the same scales again.
#include <algorithm>
#include <cmath>

#include "core/base/cat.h"
#include "core/quant/encode_block.h"

namespace kigo::quant {
namespace {

// What a ratio may be short of a whole number, or a scale of a half, and still count as it: extremes of
// decoded values are off by a rounding. The end code stays the nearest one: 31 (1 - 2^-8) is above 30.5.
constexpr double kShortOfWhole = 0x1p-8;
constexpr double kShortOfHalf = 0x1p-16;

/// The largest half that is not above `value`, which is not negative.
Result<f16> half_below(double value) {
  if (value > kLargestHalf)
    return fail(Code::bad_value, "scale", cat("scale ", value),
                cat("at most ", kLargestHalf, ", the largest half"));
  const double limit = value * (1 + kShortOfHalf);
  f16 half = to_f16(std::min(limit, kLargestHalf));
  if (double{to_float(half)} > limit) --half.bits;
  return half;
}

int whole_below(double ratio, int last) { return std::min(last, static_cast<int>(ratio + kShortOfWhole)); }

int nearest_code(double x, double scale, int first, int last) {
  if (scale == 0) return 0;
  return static_cast<int>(std::clamp(std::round(x / scale), double(first), double(last)));
}

/// Scales, minimums and codes, not yet packed: value = d * scale[b] * code - dmin * minimum[b].
template <size_t SubBlocks>
struct Parts {
  f16 d{};
  f16 dmin{};
  std::array<int, SubBlocks> scale{};
  std::array<int, SubBlocks> minimum{};
  std::array<int, 256> code{};
};

std::span<const float> sub_block(std::span<const float> x, size_t b, size_t sub_blocks) {
  const size_t values = x.size() / sub_blocks;
  return x.subspan(b * values, values);
}

/// Codes 0 to last_code; scales and minimums 0 to last_scale. A minimum is never above zero.
template <size_t SubBlocks>
Status encode_from_minimum(std::span<const float> x, int last_code, int last_scale, Parts<SubBlocks>& parts) {
  std::array<double, SubBlocks> below{}, step{};
  for (size_t b = 0; b < SubBlocks; ++b)
    below[b] = std::max(0.0, -double{std::ranges::min(sub_block(x, b, SubBlocks))});  // never -0
  KIGO_ASSIGN(parts.dmin, half_below(std::ranges::max(below) / last_scale));
  const double dmin = double{to_float(parts.dmin)};
  for (size_t b = 0; b < SubBlocks; ++b) {
    if (dmin != 0) parts.minimum[b] = whole_below(below[b] / dmin, last_scale);
    const double top = double{std::ranges::max(sub_block(x, b, SubBlocks))} + dmin * parts.minimum[b];
    step[b] = std::max(0.0, top / last_code);
  }
  KIGO_ASSIGN(parts.d, half_below(std::ranges::max(step) / last_scale));
  const double d = double{to_float(parts.d)};
  for (size_t b = 0; b < SubBlocks; ++b) {
    if (d != 0) parts.scale[b] = whole_below(step[b] / d, last_scale);
  }
  for (size_t i = 0; i < 256; ++i) {
    const size_t b = i * SubBlocks / 256;
    parts.code[i] = nearest_code(double{x[i]} + dmin * parts.minimum[b], d * parts.scale[b], 0, last_code);
  }
  return {};
}

/// Codes -codes to codes - 1, scales -scales to scales - 1: the largest magnitude of a sub-block has the
/// lowest code, the largest scale of the block is the lowest one.
template <size_t SubBlocks>
Status encode_signed(std::span<const float> x, int codes, int scales, Parts<SubBlocks>& parts) {
  const auto magnitude = [](double value) { return std::abs(value); };
  std::array<double, SubBlocks> step{};
  for (size_t b = 0; b < SubBlocks; ++b)
    step[b] = double{std::ranges::max(sub_block(x, b, SubBlocks), {}, magnitude)} / -codes;
  const double largest = std::ranges::max(step, {}, magnitude);
  KIGO_ASSIGN(parts.d, half_below(std::abs(largest) / scales));
  if (largest > 0) parts.d.bits |= 0x8000;
  const double d = double{to_float(parts.d)};
  for (size_t b = 0; b < SubBlocks; ++b) {
    if (d == 0) continue;
    const double ratio = step[b] / d;
    parts.scale[b] = ratio < 0 ? -whole_below(-ratio, scales) : whole_below(ratio, scales - 1);
  }
  for (size_t i = 0; i < 256; ++i)
    parts.code[i] = nearest_code(double{x[i]}, d * parts.scale[i * SubBlocks / 256], -codes, codes - 1);
  return {};
}

template <class Byte>
void put(Byte& byte, int bits, size_t shift) {
  byte = static_cast<Byte>(byte | bits << shift);
}

/// Bits 2s and 2s + 1 of byte 32g + l: element 128g + 32s + l.
void put_pairs(const std::array<int, 256>& pairs, std::array<uint8_t, 64>& bytes) {
  bytes = {};
  for (size_t i = 0; i < 256; ++i) put(bytes[i / 128 * 32 + i % 32], pairs[i] & 3, i % 128 / 32 * 2);
}

/// Low nibbles of 32 bytes for an even sub-block of 32, high ones for the odd one behind it.
void put_nibbles(const std::array<int, 256>& codes, std::array<uint8_t, 128>& qs) {
  qs = {};
  for (size_t i = 0; i < 256; ++i) put(qs[i / 64 * 32 + i % 32], codes[i] & 15, i / 32 % 2 * 4);
}

std::array<uint8_t, 12> packed_scales(const Parts<8>& parts) {
  std::array<uint8_t, 12> packed{};
  for (size_t b = 0; b < 4; ++b) {
    packed[b] = static_cast<uint8_t>(parts.scale[b] | parts.scale[b + 4] >> 4 << 6);
    packed[b + 4] = static_cast<uint8_t>(parts.minimum[b] | parts.minimum[b + 4] >> 4 << 6);
    packed[b + 8] = static_cast<uint8_t>((parts.scale[b + 4] & 15) | (parts.minimum[b + 4] & 15) << 4);
  }
  return packed;
}

}  // namespace

Status encode_block(std::span<const float> x, Q2_K::Block& block) {
  Parts<16> parts;
  KIGO_TRY(encode_from_minimum(x, 3, 15, parts));
  for (size_t b = 0; b < 16; ++b)
    block.scales[b] = static_cast<uint8_t>(parts.scale[b] | parts.minimum[b] << 4);
  put_pairs(parts.code, block.qs);
  block.d = half_bytes(parts.d);
  block.dmin = half_bytes(parts.dmin);
  return {};
}

Status encode_block(std::span<const float> x, Q3_K::Block& block) {
  Parts<16> parts;
  KIGO_TRY(encode_signed(x, 4, 32, parts));
  block.scales = {};
  for (size_t b = 0; b < 16; ++b) {
    const int stored = parts.scale[b] + 32;
    put(block.scales[b % 8], stored & 15, b / 8 * 4);
    put(block.scales[8 + b % 4], stored >> 4, b / 4 * 2);
  }
  block.hmask = {};
  for (size_t i = 0; i < 256; ++i) put(block.hmask[i % 32], parts.code[i] >= 0 ? 1 : 0, i / 32);
  put_pairs(parts.code, block.qs);  // a code and the code plus 4 have the same lower bits
  block.d = half_bytes(parts.d);
  return {};
}

Status encode_block(std::span<const float> x, Q4_K::Block& block) {
  Parts<8> parts;
  KIGO_TRY(encode_from_minimum(x, 15, 63, parts));
  block.d = half_bytes(parts.d);
  block.dmin = half_bytes(parts.dmin);
  block.scales = packed_scales(parts);
  put_nibbles(parts.code, block.qs);
  return {};
}

Status encode_block(std::span<const float> x, Q5_K::Block& block) {
  Parts<8> parts;
  KIGO_TRY(encode_from_minimum(x, 31, 63, parts));
  block.d = half_bytes(parts.d);
  block.dmin = half_bytes(parts.dmin);
  block.scales = packed_scales(parts);
  block.qh = {};
  for (size_t i = 0; i < 256; ++i) put(block.qh[i % 32], parts.code[i] >> 4, i / 32);
  put_nibbles(parts.code, block.qs);
  return {};
}

Status encode_block(std::span<const float> x, Q6_K::Block& block) {
  Parts<16> parts;
  KIGO_TRY(encode_signed(x, 32, 128, parts));
  std::array<int, 256> upper;
  block.ql = {};
  for (size_t i = 0; i < 256; ++i) {
    const int code = parts.code[i] + 32;
    const size_t g = i / 128, s = i % 128 / 32, l = i % 32;
    put(block.ql[64 * g + 32 * (s % 2) + l], code & 15, s / 2 * 4);
    upper[i] = code >> 4;
  }
  put_pairs(upper, block.qh);
  for (size_t b = 0; b < 16; ++b) block.scales[b] = static_cast<int8_t>(parts.scale[b]);
  block.d = half_bytes(parts.d);
  return {};
}

Status encode_block(std::span<const float> x, Q8_K::Block& block) {
  const float extreme = std::ranges::max(x, {}, [](float value) { return std::abs(value); });
  // Sixteen bits: 127 times such a scale is exact, so that the extreme of the decoded values gives it again.
  int exponent;
  const double fraction = std::frexp(double{extreme} / -127, &exponent);
  const auto d = static_cast<float>(std::ldexp(std::round(std::ldexp(fraction, 16)), exponent - 16));
  block.d = std::bit_cast<FloatBytes>(d);
  for (size_t i = 0; i < 256; ++i)
    block.qs[i] = static_cast<int8_t>(nearest_code(double{x[i]}, double{d}, -127, 127));
  for (size_t k = 0; k < 16; ++k) {
    int sum = 0;
    for (size_t i = 16 * k; i < 16 * k + 16; ++i) sum += block.qs[i];
    block.bsums[k] = {static_cast<uint8_t>(sum), static_cast<uint8_t>(sum >> 8)};
  }
  return {};
}

}  // namespace kigo::quant
