// The forward pass in double whose products take operands rounded to half: what a pass with half operands and
// exact sums would give. Its distance from the reference is the yardstick for such passes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/model/session.h"
#include "core/model/weights.h"
#include "reference/model.h"

namespace kigo::test {

struct Rounding {
  bool embedding = false;  // the table as well
  bool head = false;       // the last product as well
  // Queries and the weights e^(score - maximum) of attention as well, as Operands::half; keys and values as
  // the cache says.
  bool attention = false;
  reference::Cache cache = reference::Cache::Half;
};

/// All logits of a prompt. Weights and activations of the products of every layer are rounded to half, sums
/// are in double.
std::vector<double> rounded_logits(const model::Model& model, std::span<const uint32_t> tokens,
                                   const Rounding& rounding);

}  // namespace kigo::test
