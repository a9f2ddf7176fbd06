// One token through all layers with the fused kernels: five launches a layer.
#pragma once

#include <cstdint>

#include "core/base/result.h"
#include "core/base/view.h"
#include "kernels/forward/capture.h"
#include "kernels/forward/engine.h"
#include "kernels/runtime/overlap.h"

namespace kigo::kernels {

/// Takes the token of plan().step through the layers and appends to the cache, whose page the sequence holds
/// already: logits in the first row of plan().logits, the greedy choice in plan().id. With WeightMode::half
/// by the unfused operations. `position` is that of plan().step, and only for captures: without one the step
/// is safe in a graph that serves every position. Errors: cuda.
Status decode_step(const Engine& engine, const Sequence& sequence, int64_t position, Capture* capture);

/// Norm, head and argmax of one row of the residual stream. Errors: cuda.
Status fused_head(const Engine& engine, View<const float, 2, Space::Device> x, Overlap overlap);

}  // namespace kigo::kernels
