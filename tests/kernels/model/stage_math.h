// Values with bounds: what a stage must give, and how far a kernel may be from it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/gguf/file.h"
#include "core/model/config.h"
#include "core/ops/paged_attention.h"
#include "tests/kernels/model/stages.h"

namespace kigo::test {

/// The truth of a stage, and per element how far the GPU may be from it.
struct Expected {
  std::vector<double> values;
  std::vector<double> bounds;
};

/// [tokens, out] = x [tokens, in] times the matrix, plus bias and residual where given. Operands are rounded
/// as the products' kind says; bounds are dot_bound() with the serial terms of the kernel.
struct Multiplied {
  const gguf::Tensor* matrix = nullptr;
  const gguf::Tensor* bias = nullptr;
  std::span<const double> x = {};
  // A fused norm: x is divided by its root mean square and weighted first.
  std::span<const double> norm_weight = {};
  double norm_eps = 0;
  std::span<const double> residual = {};
};
Expected multiplied(const Multiplied& op, Products products);

/// The pair's bound: the sum of squares in width / 256 serial terms and a tree, and what follows it.
Expected normed(std::span<const double> x, const gguf::Tensor& weight, double eps);

/// silu(gate) * up; errors of gate and up travel through.
Expected gated(const Expected& gate, const Expected& up);

/// The rotation of rows at these positions, frequencies divided by `divisors` where there are some; errors of
/// the input travel through.
struct Turning {
  const model::Config* config = nullptr;
  const gguf::Tensor* divisors = nullptr;
  int64_t first_position = 0;
};
Expected turned(const Expected& rows, const Turning& op, int64_t heads);

/// Softmax of q k over all positions up to each query's own, times v. With half operands k and v must be
/// halves.
struct Attended {
  std::span<const double> q, k, v;
  int64_t heads = 0, kv_heads = 0, head_dim = 0;
  int64_t first_position = 0;
  ops::Operands operands = ops::Operands::full;
};
Expected attended(const Attended& op);

/// Values as they stand, off by nothing.
Expected exactly(std::span<const double> values);
/// Each value rounded to half once more, which its error may change by one place.
Expected rounded_to_half(Expected expected);

std::vector<double> decoded(const gguf::Tensor& tensor);

}  // namespace kigo::test
