// A weight matrix as it lies in a file or in device memory: rows of blocks of one tensor type.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/view.h"
#include "core/quant/tensor_type.h"

namespace kigo::ops {

/// Row j makes output j: y[j] = sum_i value(j, i) * x[i]. In GGUF's order of dimensions this is [cols, rows].
template <Space S>
struct Matrix {
  const std::byte* data = nullptr;
  const quant::TensorType* type = nullptr;
  int64_t rows = 0;
  int64_t cols = 0;  // a multiple of type->block_values

  int64_t row_bytes() const { return cols / type->block_values * type->block_bytes; }
};

}  // namespace kigo::ops
