// Weights drawn straight as blocks of a format, without a quantiser: valid, of a known spread, the same for a
// seed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/random.h"
#include "core/quant/tensor_type.h"

namespace kigo::tools {

/// Draws `count` blocks to `out`. Their decoded values have mean 0 and root mean square `rms`, up to the
/// rounding of the scales to f16; codes, scales and minimums of neighbouring blocks and sub-blocks differ.
using DrawBlocks = void (*)(Random& random, double rms, uint64_t count, std::byte* out);

/// Null for a type that no seeded model has.
DrawBlocks find_draw(const quant::TensorType& type);

/// `count` F32 values, uniform in [low, high).
void draw_uniform(Random& random, double low, double high, uint64_t count, std::byte* out);

}  // namespace kigo::tools
