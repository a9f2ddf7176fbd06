// Tokens through all layers, operation by operation: the chunks of a prompt, and the steps of a model in
// half.
#pragma once

#include <cstdint>

#include "core/base/result.h"
#include "core/base/view.h"
#include "kernels/forward/capture.h"
#include "kernels/forward/engine.h"

namespace kigo::kernels {

/// Tokens of a prompt at positions first, first + 1, ...
struct Chunk {
  int64_t first = 0;
  int64_t count = 0;      // 1 to options.chunk
  int64_t id_offset = 0;  // of the first id in plan().ids
};

/// Embeds the tokens, takes them through all layers and appends to the cache, whose pages the sequence holds
/// already: the residual stream is in the first rows of plan().x. A token's bits depend on the tokens before
/// it, and with Prefill::precise on nothing else. Errors: cuda. Waits only where a capture does.
Status prefill_chunk(const Engine& engine, const Sequence& sequence, const Chunk& chunk, Capture* capture);

/// The same for one token whose id and position are in plan().step. Safe in a graph. `position`: for
/// captures.
Status unfused_step(const Engine& engine, const Sequence& sequence, int64_t position, Capture* capture);

/// Logits of rows first .. first + count - 1 of plan().x, at most plan().head_rows, in the first rows of
/// plan().logits. Logits::Last is one row: it goes the way of a step and leaves its greedy choice in
/// plan().id, but not with Prefill::precise, where it goes the way of several. Errors: cuda.
Status logits_of_rows(const Engine& engine, model::Logits which, int64_t first, int64_t count,
                      Capture* capture);

}  // namespace kigo::kernels
