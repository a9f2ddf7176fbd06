// One block at a time: what encode() is made of.
#pragma once

#include <span>

#include "core/base/result.h"
#include "core/quant/formats.h"

namespace kigo::quant {

// The block that encode() stands for, of F::values finite values. Errors: bad_value, as encode() says, about
// "scale" or "value", whoever calls adds which block.
Status encode_block(std::span<const float> x, F32::Block& block);
Status encode_block(std::span<const float> x, F16::Block& block);
Status encode_block(std::span<const float> x, BF16::Block& block);
Status encode_block(std::span<const float> x, Q4_0::Block& block);
Status encode_block(std::span<const float> x, Q4_1::Block& block);
Status encode_block(std::span<const float> x, Q5_0::Block& block);
Status encode_block(std::span<const float> x, Q5_1::Block& block);
Status encode_block(std::span<const float> x, Q8_0::Block& block);
Status encode_block(std::span<const float> x, MXFP4::Block& block);
Status encode_block(std::span<const float> x, Q2_K::Block& block);
Status encode_block(std::span<const float> x, Q3_K::Block& block);
Status encode_block(std::span<const float> x, Q4_K::Block& block);
Status encode_block(std::span<const float> x, Q5_K::Block& block);
Status encode_block(std::span<const float> x, Q6_K::Block& block);
Status encode_block(std::span<const float> x, Q8_K::Block& block);

inline constexpr double kLargestHalf = 65504;

inline HalfBytes half_bytes(f16 half) {
  return {{static_cast<uint8_t>(half.bits & 0xFF), static_cast<uint8_t>(half.bits >> 8)}};
}

}  // namespace kigo::quant
