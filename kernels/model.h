// The forward pass on the GPU: fast, with its own wiring, and checked against reference/model.h stage by
// stage.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/model/session.h"
#include "core/model/weights.h"
#include "kernels/forward/capture.h"
#include "kernels/forward/engine.h"
#include "kernels/forward/options.h"
#include "kernels/runtime/context.h"
#include "kernels/runtime/graph.h"

namespace kigo::kernels {

/// Called with the bytes of the file that have arrived, rising to the total; an error ends the loading with
/// it.
using LoadProgress = std::function<Status(int64_t done, int64_t total)>;

/// A model in device memory: weights, the pool of pages, one workspace. Its sessions share the pool and take
/// turns on the workspace, so all of them are used by one thread at a time. It ends after its sessions and
/// before the context and the file.
class Model {
 public:
  /// Asks for memory().needs() against the free memory before anything is allocated or read. On an error
  /// everything is given back. Errors: invalid_request for options that do not fit the model; unsupported for
  /// a head size or a weight format without kernels; out_of_memory with what is required and available; cuda;
  /// those of `progress`.
  static Result<std::unique_ptr<Model>> load(Context& context, const model::Model& model,
                                             const Options& options = {}, const LoadProgress& progress = {});
  static Result<std::unique_ptr<Model>> load(Context& context, const model::Config& config,
                                             const model::Weights& weights, const Options& options = {},
                                             const LoadProgress& progress = {});

  /// Reads the weights back and compares them with the file that the model was loaded from. Errors: bad_data
  /// naming the tensor; out_of_memory; cuda.
  Status check_weights(const model::Weights& weights);

  const model::Config& config() const { return engine_.config; }
  /// Without zeros: what was chosen.
  const Options& options() const { return engine_.options; }
  /// What was planned; the tracker's sums are these once a session exists.
  const MemoryPlan& memory() const { return engine_.memory; }
  const Engine& engine() const { return engine_; }
  Context& context() { return *engine_.context; }

 private:
  Model() = default;
  Engine engine_;
};

/// One sequence on the GPU.
///
/// Which kernels a token meets, and so its last bits, depends on how it arrives:
/// - decode(), and forward() with one token and Logits::Last, is a decode step: the fused
/// kernels.
/// - everything else is prefill: whole chunks of Options::chunk tokens, then the rest.
/// The same calls give the same bits every time, with checkpoints or without, with Overlap or without. With
/// Prefill::precise the bits do not depend on how a prompt is cut either, by chunks or by calls, as long as
/// no piece is a decode step; with Prefill::half cuBLAS may sum in another order for another number of
/// tokens.
class Session final : public model::Session {
 public:
  /// Takes the page table's memory and no page yet. Errors: out_of_memory, cuda.
  static Result<std::unique_ptr<Session>> create(Model& model);
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// As model::Session says, with logits in float. Checkpoints with more rows than go through together come
  /// in several calls of the sink, first positions first: per chunk, output_norm and logits per
  /// plan().head_rows. Decode steps have embed, attn_q_rope, attn_k_rope (as the cache holds it), cache_k,
  /// cache_v, attn_mix, attn_residual, ffn_act, ffn_residual and logits; Prefill::half has all but attn_out
  /// and ffn_down, and no output_norm for a single row; Prefill::precise has all. Errors besides:
  /// out_of_memory when the pool has no pages left, or for the copies of checkpoints.
  Result<model::Rows> forward(std::span<const uint32_t> tokens, model::Logits which,
                              const model::TapSink& taps = {}) override;

  /// One greedy step: the token joins the sequence, and the id with the highest logit comes back, the lowest
  /// of several. One graph, captured once and launched from the second step on; no allocation, and no wait
  /// but the one at the end. Errors: those of forward.
  Result<uint32_t> decode(uint32_t token);

  /// The logits of the last decode(), as long as nothing else was computed with this model since. Errors:
  /// cuda.
  Result<model::Rows> last_logits();

  int64_t length() const override { return length_; }
  /// Gives all pages back, and makes the session usable again after an error.
  void reset() override;

  /// Pages held now.
  int64_t pages() const { return static_cast<int64_t>(held_.size()); }
  /// Of the decode step's graph, kernels and copies; it is captured if it has not been. Errors: cuda.
  Result<int64_t> step_nodes();

 private:
  explicit Session(Model& model) : model_(&model) {}

  const Engine& engine() const { return model_->engine(); }
  Sequence sequence() const { return {table_.view(), held_}; }
  Status ready(std::span<const uint32_t> tokens) const;
  Status hold(int64_t positions);
  void undo(int64_t pages, const Error& error);
  Status capture_graph();
  Status enqueue_step(const model::TapSink& taps);
  Status step(uint32_t token, const model::TapSink& taps, model::Rows* logits);
  Status prefill(std::span<const uint32_t> tokens, model::Logits which, const model::TapSink& taps,
                 model::Rows& logits);
  Status fetch_logits(int64_t count, model::Rows& logits, int64_t first_row);
  Result<std::optional<Capture>> capture_for(const model::TapSink& taps, int64_t tokens) const;

  /// What the host writes for the device, and reads from it: in page-locked memory.
  struct Pinned {
    StepInput* step = nullptr;
    uint32_t* id = nullptr;
    int32_t* table = nullptr;  // as many entries as the device's
    uint32_t* ids = nullptr;   // [context]
    float* logits = nullptr;   // [head_rows, vocab]
  };

  Model* model_;
  PinnedBuffer pinned_memory_;
  Pinned pinned_;
  DeviceArray<int32_t> table_;
  std::vector<int32_t> held_;
  int64_t length_ = 0;
  int64_t steps_ = 0;  // decode steps that have run
  std::optional<GraphExec> graph_;
  int64_t graph_nodes_ = 0;
  std::optional<Error> broken_;  // what made the session unusable until a reset
};

}  // namespace kigo::kernels
