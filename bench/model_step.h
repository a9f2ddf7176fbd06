// A decode step of a loaded model without its host: as kernels on a stream, to be captured, counted and
// timed.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "bench/gpu_clock.h"
#include "core/base/result.h"
#include "kernels/forward/engine.h"
#include "kernels/kv_pages.h"
#include "kernels/model.h"

namespace kigo::bench {

/// The kernels that Session::decode() launches for one token behind `depth` positions, again and again for
/// the same token. What the cache holds there is whatever was left: times do not depend on it. Uses the
/// model's workspace, so that no session may be in the middle of something.
class DecodeStep {
 public:
  /// Errors: out_of_memory, when sessions hold the pages; cuda.
  static Result<std::unique_ptr<DecodeStep>> make(kernels::Model& model, int64_t depth);
  ~DecodeStep();
  DecodeStep(const DecodeStep&) = delete;
  DecodeStep& operator=(const DecodeStep&) = delete;

  /// The step's kernels, in order.
  Launch launch() const;
  /// The least that a step must read: all matrices but the embedding, whose one row is left out.
  double weights_bytes() const;

 private:
  explicit DecodeStep(kernels::Model& model) : model_(model) {}

  kernels::Model& model_;
  int64_t depth_ = 0;
  std::vector<int32_t> held_;
  kernels::DeviceArray<int32_t> table_;
};

}  // namespace kigo::bench
