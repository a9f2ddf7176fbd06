// How much device memory a model takes, known before a byte of it is loaded, and where everything of the
// workspace lies in its one allocation.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/base/half.h"
#include "core/base/result.h"
#include "core/base/view.h"
#include "core/model/config.h"
#include "core/model/weights.h"
#include "kernels/forward/options.h"
#include "kernels/runtime/buffer.h"
#include "kernels/runtime/stream.h"
#include "kernels/runtime/vram.h"

namespace kigo::kernels {

/// Elements of T at an offset of the workspace.
template <class T>
struct Slot {
  int64_t offset_bytes = 0;  // a multiple of 256
  int64_t count = 0;
};

/// A chunk asks attention with at least so many queries, those that are not its own for nothing: with 8 or
/// fewer paged_attention chooses its kernel for few tokens, which sums in another order, and the bits would
/// depend on where a prompt is cut.
inline constexpr int64_t kFewestRows = 16;

/// What the host tells a decode step, copied to the device at its start.
struct StepInput {
  int64_t position = 0;
  uint32_t token = 0;
  uint32_t unused = 0;
};

/// The rows that a pass computes at once, their widths in floats. A slot serves several stages whose contents
/// do not live at the same time.
struct WorkspacePlan {
  Slot<int64_t> positions;       // [context]: 0, 1, 2, ...; constant
  Slot<int64_t> few_positions;   // [kFewestRows]: those of a short chunk
  Slot<uint32_t> ids;            // [context]: the prompt
  Slot<StepInput> step;          // [1]
  Slot<float> x;                 // [chunk, width]: the residual stream
  Slot<float> normed;            // [chunk, width]
  Slot<float> qkv;               // [chunk, (heads + 2 kv_heads) * head_dim]; a step's queries
  Slot<float> mix;               // [chunk, heads * head_dim]
  Slot<float> gate_up;           // [chunk, 2 * ffn_width]; a step's activation
  Slot<float> out;               // [chunk, width]; precise prefill only
  Slot<f16> operand;             // [chunk, the widest]; half products only
  Slot<f16> matrices;            // one product's weights as f16; half prefill of quantised weights only
  Slot<float> attention;         // of paged_attention in a step
  Slot<uint32_t> tickets;        // of paged_attention in a step; zero between launches
  Slot<float> logits;            // [head_rows, vocab]
  Slot<uint32_t> id;             // [1]: the greedy choice
  Slot<uint64_t> choice;         // of norm_head_argmax
  Slot<uint32_t> choice_ticket;  // likewise; zero between launches
  int64_t head_rows = 0;         // rows of logits at a time
  int64_t bytes = 0;             // of the whole allocation
};

/// The numbers that hold everywhere: options with their zeros replaced, checked against the model.
/// Errors: invalid_request for sizes below 0 or a context beyond the model's; unsupported for a head
/// size that attention does not have.
Result<Options> settle(const Options& options, const model::Config& config);

/// Options as settle gives them.
Result<WorkspacePlan> plan_workspace(const model::Config& config, const Options& options);

/// All that loading a model and one session take. The sum is what the tracker shows afterwards; the driver's
/// own memory (context, cuBLAS's code, graphs) comes on top.
struct MemoryPlan {
  int64_t weights_bytes = 0;
  int64_t kv_bytes = 0;
  int64_t workspace_bytes = 0;  // cuBLAS's workspace and a session's page table included
  int64_t loading_bytes = 0;    // needed while loading and given back after it

  int64_t total_bytes() const { return weights_bytes + kv_bytes + workspace_bytes; }
  std::vector<Need> needs() const;
};
Result<MemoryPlan> plan_memory(const model::Config& config, const model::Weights& weights,
                               const Options& options);

/// Of one session.
inline int64_t page_table_bytes(const Options& options) {
  return pages_for(options.context) * static_cast<int64_t>(sizeof(int32_t));
}

KvShape kv_shape(const model::Config& config, const Options& options);

/// The workspace: one allocation, cut as planned. Zeros at first, but for `positions`.
class Workspace {
 public:
  /// Waits for the copy of the positions. Errors: out_of_memory, cuda.
  static Result<Workspace> create(Vram& vram, const WorkspacePlan& plan, Stream stream);

  const WorkspacePlan& plan() const { return plan_; }
  int64_t bytes() const { return memory_.bytes(); }

  template <class T>
  T* data(const Slot<T>& slot) const {
    return reinterpret_cast<T*>(const_cast<std::byte*>(memory_.data()) + slot.offset_bytes);
  }
  /// The first elements of a slot in a dense shape that must fit.
  template <class T, size_t Rank>
  View<T, static_cast<int>(Rank), Space::Device> view(const Slot<T>& slot,
                                                      const std::array<int64_t, Rank>& shape) const {
    const View<T, static_cast<int>(Rank), Space::Device> view(data(slot), shape);
    KIGO_CHECK(view.size() <= slot.count);
    return view;
  }

 private:
  WorkspacePlan plan_;
  DeviceBuffer memory_;
};

}  // namespace kigo::kernels
