// All that a loaded model consists of, as the stages of the forward pass see it.
#pragma once

#include <optional>

#include "core/base/fault.h"
#include "core/model/config.h"
#include "core/model/weights.h"
#include "core/ops/matrix.h"
#include "core/ops/rope.h"
#include "kernels/forward/half_weights.h"
#include "kernels/forward/options.h"
#include "kernels/forward/plan.h"
#include "kernels/kv_pages.h"
#include "kernels/runtime/context.h"
#include "kernels/runtime/cublas.h"
#include "kernels/weights.h"

namespace kigo::kernels {

/// Made by Model::load and constant from then on; the memory it names is not.
struct Engine {
  Context* context = nullptr;
  model::Config config;
  Options options;  // settled
  MemoryPlan memory;
  std::optional<DeviceWeights> packed;  // with WeightMode::quantised
  std::optional<HalfWeights> half;      // with WeightMode::half
  std::optional<Cublas> cublas;         // where products are made in half
  Workspace workspace;
  KvPool kv;

  Stream stream() const { return context->stream(); }
  const WorkspacePlan& plan() const { return workspace.plan(); }

  View<const float, 1, Space::Device> vector(model::Role role, int64_t layer = 0) const {
    return packed ? packed->vector(role, layer) : half->vector(role, layer);
  }
  ops::Matrix<Space::Device> embedding() const {
    return packed ? packed->matrix(model::Role::token_embd) : half->embedding();
  }
  ops::Pairing pairing() const {
    const bool halves = config.architecture->position == model::Position::rope_halves;
    return halves != KIGO_FAULT(F77) ? ops::Pairing::halves : ops::Pairing::neighbours;
  }
  float rope_base() const { return KIGO_FAULT(F26) ? 1e4f : config.rope_base; }
  /// Of q, k, v or the output matrix; none where the model has none.
  View<const float, 1, Space::Device> bias(model::Role role, int64_t layer) const {
    return role == model::Role::attn_k_bias && KIGO_FAULT(F23)
               ? View<const float, 1, Space::Device>{nullptr, {0}}
               : vector(role, layer);
  }
};

/// One sequence's part of the pool while tokens pass.
struct Sequence {
  View<const int32_t, 1, Space::Device> table;  // of the whole context; entries beyond the held pages are 0
  std::span<const int32_t> held;                // the same on the host
};

}  // namespace kigo::kernels
