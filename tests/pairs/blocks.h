// Weights for pairs, drawn straight as blocks of a format: every code equally likely, scales finite.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/ops/matrix.h"
#include "core/quant/tensor_type.h"
#include "tests/pairs/pair.h"

namespace kigo::pairs {

/// Rows of blocks as they lie in a file, Part::host: [rows, bytes of a row]. Every byte is drawn uniformly;
/// then each block's scales are set such that its values have a root mean square near `scale`, a different
/// one for every block and now and then a negative one. Blocks beyond kDrawnAtMost repeat the first. `cols`
/// is a multiple of the type's block_values, and the type is one of quant::FormatList.
Tensor drawn_blocks(std::string name, const quant::TensorType& type, int64_t rows, int64_t cols, double scale,
                    Random& random);

/// The same weights as a kernel reads them, Part::in: planes as ops/packing.h lays them out.
Tensor packed_blocks(std::string name, const quant::TensorType& type, int64_t cols, const Tensor& blocks);

/// The matrix that a reference reads. `blocks` must outlive it.
ops::Matrix<Space::Host> host_matrix(const quant::TensorType& type, int64_t cols, const Tensor& blocks);

/// Every element of the matrix, [rows, cols]: what bounds and mutants sum over.
std::vector<float> decoded(const quant::TensorType& type, int64_t cols, const Tensor& blocks);

}  // namespace kigo::pairs
