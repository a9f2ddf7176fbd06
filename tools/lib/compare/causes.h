// From damage to cause: mistakes that would have left this output, tried by making them.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "core/model/weights.h"
#include "tools/lib/compare/compare.h"
#include "tools/lib/compare/stages.h"

namespace kigo::tools {

/// What is known about a wrong checkpoint.
struct Suspect {
  const model::Config& config;
  const model::Weights& weights;
  const ComputedStage& stage;  // with a recipe
  const Expected& want;        // of the right recipe
  const compare::Report& report;
  const Checkpoints& group;           // what the side handed out for this layer and call
  std::span<const KeptCache> caches;  // by layer, as the side held them before this layer of this call
  const std::vector<double>* before;  // what the checkpoint of this name held one layer or call earlier
};

/// Likely causes, those that reproduce every wrong element first. Where a mistake can be made on purpose, the
/// stage is computed again with it: it reproduces the damage when every element of the checkpoint is within
/// the bound of that.
std::vector<Cause> likely_causes(const Suspect& suspect);

}  // namespace kigo::tools
