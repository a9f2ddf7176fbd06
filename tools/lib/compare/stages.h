// Every stage of a forward pass on its own: what a side made of a stage's input, beside the recipe that says
// what it should have made of it. An error does not travel from stage to stage this way, so bounds stay sharp
// and the first stage that breaks its bound is the one that is wrong.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "core/model/session.h"
#include "core/model/taps.h"
#include "core/model/weights.h"
#include "tools/lib/compare/recipe.h"

namespace kigo::tools {

/// Checkpoints as a session hands them out; pieces of one are put together.
class Checkpoints {
 public:
  using Key = std::pair<model::Tap, int64_t>;  // and layer

  /// The cache is handed out whole each time; rows of other checkpoints follow those of the chunks before.
  void add(model::Tap tap, int64_t layer, View<const double, 3> rows);
  /// A sink that adds. The object must stay where it is.
  model::TapSink sink();
  /// Null when it is not there.
  const std::vector<double>* find(model::Tap tap, int64_t layer) const;
  const std::map<Key, std::vector<double>>& all() const { return values_; }

 private:
  std::map<Key, std::vector<double>> values_;
};

/// Keys and values of a layer as a side holds them, empty at the start; nothing when it does not tell.
struct KeptCache {
  std::optional<std::vector<double>> k = std::vector<double>();  // [positions, kv_heads, head_dim]
  std::optional<std::vector<double>> v = std::vector<double>();
};

/// The call whose checkpoints are looked at.
struct StageCall {
  std::span<const uint32_t> tokens;
  int64_t first = 0;  // position of the first
  Arithmetic how;
};

/// One checkpoint, or the part of a cache that was there before the call.
struct ComputedStage {
  model::Tap tap = model::Tap::embed;
  int64_t layer = 0;
  bool old_positions = false;      // of cache_k and cache_v: what no call may change
  std::array<int64_t, 3> shape{};  // [tokens, heads or 1, elements]
  int64_t first_position = 0;      // of row 0
  Arithmetic how = {};             // the call's, but for the head, which passes in half leave in float
  std::span<const double> got = {};
  std::optional<Recipe> recipe = {};  // nothing when the side did not hand out the stage's input
};

/// Receives the stages in the order of their checkpoints. What a stage refers to lives during the call only.
using StageSink = std::function<void(const ComputedStage&)>;

/// Walks through the checkpoints that a side has handed out. Where it fuses stages, so that the input of one
/// is missing, the recipe begins at the nearest input that is there.
class StageWalk {
 public:
  /// Keeps pointers to what it is given.
  StageWalk(const model::Config& config, const model::Weights& weights)
      : config_(&config), weights_(&weights) {}

  void embed(const StageCall& call, const Checkpoints& got, const StageSink& sink) const;
  /// `input`: the residual stream before the layer, null when it is not known. `cache` is what the calls
  /// before left, and becomes what this one leaves.
  void layer(const StageCall& call, int64_t layer, const Checkpoints& got, const std::vector<double>* input,
             KeptCache& cache, const StageSink& sink) const;
  void head(const StageCall& call, const Checkpoints& got, const std::vector<double>* input,
            const StageSink& sink) const;

 private:
  const model::Config* config_;
  const model::Weights* weights_;
};

/// Elements of one row of a checkpoint: [heads or 1, elements].
std::array<int64_t, 2> row_shape(model::Tap tap, const model::Config& config);

}  // namespace kigo::tools
