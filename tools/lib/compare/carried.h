// How errors travel: a layer of the reference on a side's own input, and on an input with a small error.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/model/weights.h"

namespace kigo::tools {

/// The residual stream behind a layer whose input stands at positions 0 and up: the reference's operations in
/// double, from the input [tokens, width] of a prompt. Errors: those of the operations.
Result<std::vector<double>> run_layer(const model::Config& config, const model::Weights& weights,
                                      int64_t layer, const std::vector<double>& input);

/// ||a - b|| / ||b||, over all elements; 0 when both are zero.
double relative_distance(const std::vector<double>& a, const std::vector<double>& b);

/// The input with a random error whose norm is `size` times its own; the same every time.
std::vector<double> with_error(const std::vector<double>& input, double size);

}  // namespace kigo::tools
