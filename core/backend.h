// What a worker needs from whoever computes: a loaded model with one sequence, its memory and its health. The
// reference on the CPU and the kernels on a GPU are equals behind it (tools/lib/engine.h opens them).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "core/base/result.h"
#include "core/model/session.h"

namespace kigo {

/// Called while a model is loaded, with the bytes of its tensors that are in place, rising, the last time
/// with all of them. An error ends the loading with that error, and everything is given back.
using LoadProgress = std::function<Status(uint64_t done, uint64_t total)>;

/// 0..100, rounded down; 100 when there is nothing to load. done <= total < 2^57.
constexpr int percent(uint64_t done, uint64_t total) {
  return total == 0 ? 100 : static_cast<int>(done * 100 / total);
}

/// Where it runs.
struct BackendInfo {
  std::string name = {};             // "cpu", "cuda"
  int device = -1;                   // number of the GPU; -1 on the CPU
  std::string device_name = {};      // "AMD EPYC 9B14", "NVIDIA H200"
  int capability = 0;                // 90 for sm_90; 0 on the CPU
  std::string runtime_version = {};  // "13.0"; empty on the CPU
};

/// What the model and its sequence hold, the sequence when it is full.
struct MemoryUse {
  int64_t weights_bytes = 0;
  int64_t kv_cache_bytes = 0;
  int64_t workspace_bytes = 0;

  int64_t total_bytes() const { return weights_bytes + kv_cache_bytes + workspace_bytes; }
  bool operator==(const MemoryUse&) const = default;
};

/// A model that is ready to run one sequence. One thread at a time calls it; info(), memory() and context()
/// are constant once it is open and may be read from any thread.
class Backend {
 public:
  virtual ~Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  virtual const BackendInfo& info() const = 0;
  virtual const MemoryUse& memory() const = 0;
  /// Positions that the sequence has room for.
  virtual int64_t context() const = 0;
  /// The sequence; prefill() and decode() run it, verification asks it for checkpoints.
  virtual model::Session& session() = 0;
  /// One more sequence over the same weights, which ends before the backend. On a GPU all of them together
  /// have room for context() positions. Errors: out_of_memory, cuda; unsupported where there is only one.
  virtual Result<std::unique_ptr<model::Session>> open_session();
  /// Bytes held at this moment, those of the sequences of open_session() on the CPU apart.
  virtual int64_t held_bytes() const { return memory().total_bytes(); }

  /// Before a thread other than the one that opened the backend uses it. Errors: cuda.
  virtual Status enter_thread() { return {}; }
  /// That the device answers and that all memory is still where it was put. Errors: cuda.
  virtual Status health() { return {}; }
  /// Tokens of a prompt that pass together at most, so that none of prefill()'s steps is long; 0: no limit.
  virtual int64_t prompt_chunk() const { return 0; }

  /// The logits [1, vocab] behind a prompt, which joins the sequence in pieces of prompt_chunk(). Errors:
  /// those of Session::forward for a piece; the pieces before it have joined.
  Result<model::Rows> prefill(std::span<const uint32_t> prompt) { return prefill(session(), prompt); }
  /// The same for a sequence of open_session().
  Result<model::Rows> prefill(model::Session& sequence, std::span<const uint32_t> prompt) const;
  /// The logits behind one more token. Errors: those of Session::forward.
  Result<model::Rows> decode(uint32_t token) { return session().forward({&token, 1}, model::Logits::Last); }

 protected:
  Backend() = default;
};

}  // namespace kigo
