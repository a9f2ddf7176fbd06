// Scalars, and blocks of 32 values as ggml's quantisers make them: codes are rounded on the ratio to the
// scale before that is rounded to half.
#include <algorithm>
#include <cmath>

#include "core/base/cat.h"
#include "core/quant/encode_block.h"

namespace kigo::quant {
namespace {

Status store(float value, HalfBytes& out) {
  const f16 half = to_f16(double{value});
  out = half_bytes(half);
  if (out.finite()) return {};
  return fail(Code::bad_value, "scale", cat("scale ", value),
              cat("at most ", kLargestHalf, ", the largest half"));
}

/// 1 / d, and 0 where there is nothing to divide: d is zero, or so small that it decodes to zero anyway.
float inverse(float d) {
  const float inverse = 1 / d;
  return std::isfinite(inverse) ? inverse : 0;
}

/// The value of the largest magnitude, the first one of several.
float extreme(std::span<const float> x) {
  return *std::ranges::max_element(x, [](float a, float b) { return std::abs(a) < std::abs(b); });
}

/// Code j in the low nibble of byte j, code j + 16 in its high one.
void put_nibbles(const std::array<int, 32>& codes, std::array<uint8_t, 16>& qs) {
  for (size_t j = 0; j < 16; ++j) qs[j] = static_cast<uint8_t>((codes[j] & 15) | (codes[j + 16] & 15) << 4);
}
void put_fifth_bits(const std::array<int, 32>& codes, std::array<uint8_t, 4>& qh) {
  qh = {};
  for (size_t i = 0; i < 32; ++i) qh[i / 8] = static_cast<uint8_t>(qh[i / 8] | (codes[i] >> 4) << (i % 8));
}

/// Codes 0 to 2 zero - 1 around `zero`: the value of largest magnitude has code 0.
Status encode_around(std::span<const float> x, int zero, HalfBytes& d, std::array<int, 32>& codes) {
  const float scale = extreme(x) / static_cast<float>(-zero);
  KIGO_TRY(store(scale, d));
  const float ratio = inverse(scale), half_up = static_cast<float>(zero) + 0.5f;
  for (size_t i = 0; i < 32; ++i) codes[i] = std::min(2 * zero - 1, static_cast<int>(x[i] * ratio + half_up));
  return {};
}

/// Codes 0 to `last` from the smallest value to the largest.
Status encode_from(std::span<const float> x, int last, HalfBytes& d, HalfBytes& m,
                   std::array<int, 32>& codes) {
  const auto [low, high] = std::ranges::minmax(x);
  const float scale = (high - low) / static_cast<float>(last);
  KIGO_TRY(store(scale, d));
  KIGO_TRY(store(low, m));
  const float ratio = inverse(scale);
  for (size_t i = 0; i < 32; ++i) codes[i] = std::min(last, static_cast<int>((x[i] - low) * ratio + 0.5f));
  return {};
}

/// The code whose number is nearest, the lower one of two: ties between 1 and 1.5, say, go to 1.
int nearest_e2m1(float x, float half_power) {
  int best = 0;
  float best_error = std::abs(x);
  for (int code = 1; code < 16; ++code) {
    const int twice = MXFP4::kTwice[static_cast<size_t>(code & 7)];
    const float error = std::abs(half_power * static_cast<float>(code < 8 ? twice : -twice) - x);
    if (error < best_error) best = code, best_error = error;
  }
  return best;
}

}  // namespace

Status encode_block(std::span<const float> x, F32::Block& block) {
  block = std::bit_cast<F32::Block>(x[0]);
  return {};
}
Status encode_block(std::span<const float> x, F16::Block& block) {
  block.half = half_bytes(to_f16(double{x[0]}));
  if (block.half.finite()) return {};
  return fail(Code::bad_value, "value", cat(x[0]), cat("at most ", kLargestHalf, ", the largest half"));
}
Status encode_block(std::span<const float> x, BF16::Block& block) {
  block = std::bit_cast<BF16::Block>(to_bf16(x[0]));
  if (BF16::finite(block)) return {};
  return fail(Code::bad_value, "value", cat(x[0]), "at most 3.38953139e+38, the largest BF16");
}

Status encode_block(std::span<const float> x, Q4_0::Block& block) {
  std::array<int, 32> codes;
  KIGO_TRY(encode_around(x, 8, block.d, codes));
  put_nibbles(codes, block.qs);
  return {};
}
Status encode_block(std::span<const float> x, Q5_0::Block& block) {
  std::array<int, 32> codes;
  KIGO_TRY(encode_around(x, 16, block.d, codes));
  put_nibbles(codes, block.qs);
  put_fifth_bits(codes, block.qh);
  return {};
}
Status encode_block(std::span<const float> x, Q4_1::Block& block) {
  std::array<int, 32> codes;
  KIGO_TRY(encode_from(x, 15, block.d, block.m, codes));
  put_nibbles(codes, block.qs);
  return {};
}
Status encode_block(std::span<const float> x, Q5_1::Block& block) {
  std::array<int, 32> codes;
  KIGO_TRY(encode_from(x, 31, block.d, block.m, codes));
  put_nibbles(codes, block.qs);
  put_fifth_bits(codes, block.qh);
  return {};
}
Status encode_block(std::span<const float> x, Q8_0::Block& block) {
  const float scale = std::abs(extreme(x)) / 127;
  KIGO_TRY(store(scale, block.d));
  const float ratio = inverse(scale);
  for (size_t i = 0; i < 32; ++i) block.qs[i] = static_cast<int8_t>(std::lround(x[i] * ratio));
  return {};
}
Status encode_block(std::span<const float> x, MXFP4::Block& block) {
  // 2 is the exponent of the largest numbers, 4 and 6: OCP Microscaling Formats v1.0, section 6.3.
  const float largest = std::abs(extreme(x));
  const int exponent = largest > 0 ? std::ilogb(largest) - 2 + 127 : 0;
  if (exponent < 0) {
    return fail(Code::bad_value, "scale", cat("largest magnitude ", largest),
                "at least 2^-125, whose exponent a byte can hold, or 0");
  }
  block.e = static_cast<uint8_t>(exponent);
  std::array<int, 32> codes;
  for (size_t i = 0; i < 32; ++i) codes[i] = nearest_e2m1(x[i], MXFP4::half_power(block));
  put_nibbles(codes, block.qs);
  return {};
}

}  // namespace kigo::quant
