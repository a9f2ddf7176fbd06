// One side of a comparison on its way through the checkpoints: each is held to its recipe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "tools/lib/compare/compare.h"
#include "tools/lib/compare/stages.h"

namespace kigo::tools {

/// Judges the groups of one side, in order.
class Judge {
 public:
  /// Keeps references to what it is given.
  Judge(const model::Config& config, const model::Weights& weights, const Side& side, int index, bool causes)
      : config_(config),
        weights_(weights),
        walk_(config, weights),
        side_(side),
        index_(index),
        causes_(causes),
        caches_(static_cast<size_t>(config.layers)) {}

  /// A group of a call, whose first token stands at `first`. `other`: the same group of the other side, or
  /// null. Appends to `found`.
  void group(const Call& call, int64_t number, int64_t first, int64_t group, const Checkpoints& got,
             const Checkpoints* other, std::vector<Checkpoint>& found);

  /// The residual stream behind the last group; null when the side did not hand it out.
  const std::vector<double>* residual() const { return residual_ ? &*residual_ : nullptr; }

 private:
  struct Where {
    const Call& call;
    int64_t number;
    const Checkpoints& got;
    const Checkpoints* other;
  };
  Checkpoint judged(const Where& where, const ComputedStage& stage);
  void differences(const Where& where, const ComputedStage& stage, const Expected* want,
                   Checkpoint& point) const;

  const model::Config& config_;
  const model::Weights& weights_;
  StageWalk walk_;
  const Side& side_;
  int index_;
  bool causes_;
  int64_t explained_ = 0;  // wrong checkpoints whose causes were looked for
  std::vector<KeptCache> caches_;
  std::optional<std::vector<double>> residual_;
  std::map<model::Tap, std::vector<double>> latest_;
};

}  // namespace kigo::tools
