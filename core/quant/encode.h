// Values to blocks: a quantiser for fixtures, without importance weights and without a search for better
// scales.
#pragma once

#include <cstddef>
#include <span>

#include "core/base/result.h"
#include "core/quant/tensor_type.h"

namespace kigo::quant {

/// Writes `values` as blocks of `type`: whole blocks of finite values, and as many bytes as these take.
///
/// Scalars are rounded to nearest even. Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 and MXFP4 give the bytes of ggml's and
/// gguf-py's quantisers; the error of a value is bounded by docs/formats.md, section 9. K formats take each
/// sub-block's scale and minimum from its extremes, rounded toward zero, and for every value the code that is
/// nearest, which at the extremes is the end code.
/// Decoded and encoded again the values stay the same, for formats with a minimum as long as a block lies no
/// further from zero than 100 times its own spread. A block of zeros decodes to zeros.
/// Errors  bad_shape     part of a block, or the wrong number of bytes.
///         bad_value     a value is not finite, or a scale is beyond what its field can hold.
///         unsupported   a type that is known by its size only.
/// Source  docs/formats.md, section 9.
Status encode(const TensorType& type, std::span<const float> values, std::span<std::byte> blocks);

}  // namespace kigo::quant
