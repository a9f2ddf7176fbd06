// Every stage of a forward pass on its own: what the GPU made of a stage's input against the reference
// operation on that same input, as captured. An error does not travel from stage to stage this way, so bounds
// stay sharp and the first stage that breaks its bound is the one that is wrong.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/model/session.h"
#include "core/model/taps.h"
#include "core/model/weights.h"
#include "core/ops/paged_attention.h"
#include "kernels/forward/options.h"

namespace kigo::test {

/// The checkpoints of one call of forward.
class Checkpoints {
 public:
  /// Collects; pieces of one checkpoint are put together. The object must stay where it is.
  model::TapSink sink();

  bool has(model::Tap tap, int64_t layer) const { return values_.contains({tap, layer}); }
  /// Fails the test when it is not there.
  const std::vector<double>& at(model::Tap tap, int64_t layer) const;

 private:
  std::map<std::pair<model::Tap, int64_t>, std::vector<double>> values_;
};

/// How the pass made its products.
enum class Products : uint8_t {
  tiles,         // linear_tiles: float operands
  rows,          // the fused kernels of a decode step: float operands
  half,          // cuBLAS, both operands rounded to half
  half_weights,  // the same, and head and embedding as well
};

struct StagesCase {
  const model::Model* file = nullptr;
  const Checkpoints* got = nullptr;
  const Checkpoints* before = nullptr;  // of the call before, when there is one
  std::vector<uint32_t> tokens;         // of this call
  int64_t first = 0;                    // position of the first
  kernels::Kv kv = kernels::Kv::half;
  Products products = Products::tiles;
  ops::Operands attention = ops::Operands::full;
};

/// Compares every checkpoint of these layers, and what comes before and after them when `ends` is set. Each
/// difference fails the test with the comparator's report. Returns how many checkpoints were compared.
int64_t expect_stages(const StagesCase& c, std::span<const int64_t> layers, bool ends = true);

}  // namespace kigo::test
