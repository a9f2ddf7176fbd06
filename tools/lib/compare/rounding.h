// The names of roundings, as captures and reports write them.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"
#include "tools/lib/compare/arithmetic.h"

namespace kigo::tools {

/// Words with spaces between. The first says who computes: "double" (the reference), "float" (any engine in
/// float), "half" and "bfloat16" (the same, every checkpoint rounded to that), "cuda" (kigo's kernels). The
/// others say what differs from it: "cache-half" (keys and values rounded to half), "products-half" (a
/// prompt's products with half operands), "weights-half" (all products, from weights expanded to half).
/// Errors: bad_value naming the word.
Result<Rounding> rounding_named(std::string_view text, const std::string& subject);

}  // namespace kigo::tools
