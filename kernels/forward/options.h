// What can be chosen about the forward pass on the GPU.
#pragma once

#include <cstdint>

#include "kernels/kv_pages.h"
#include "kernels/runtime/overlap.h"

namespace kigo::kernels {

/// In what form the matrices lie in device memory.
enum class WeightMode : uint8_t {
  quantised,  // as in the file, reordered
  half,  // expanded to f16 at load; all products by cuBLAS: slower, larger, another way to the same numbers
};

/// How a prompt's products are made.
enum class Prefill : uint8_t {
  half,     // matrices and activations rounded to f16, cuBLAS; with Kv::half attention as well; sums in float
  precise,  // float activations times the matrices as they are, sums in float
};

struct Options {
  Kv kv = Kv::half;
  WeightMode weights = WeightMode::quantised;
  Prefill prefill = Prefill::half;  // with WeightMode::half always half
  int64_t context = 0;              // positions of a session; 0: as many as the model has
  int64_t pages = 0;                // of all sessions together; 0: enough for one full session
  int64_t chunk = 512;              // tokens of a prompt that go through the layers together, at least 1
  Overlap overlap = Overlap::predecessor;  // of the kernels of a decode step; changes no bit
};

}  // namespace kigo::kernels
