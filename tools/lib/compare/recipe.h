// How a stage's result follows from its inputs: a recipe, which gives the truth in double and, per element,
// how far a right engine may be from it. Wrong recipes give what a mistake would have made of the same
// inputs.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "core/gguf/file.h"
#include "core/model/config.h"
#include "core/ops/rope.h"
#include "tools/lib/compare/arithmetic.h"

namespace kigo::tools {

/// The truth of a stage, and per element how far a side may be from it.
struct Expected {
  std::vector<double> values;
  std::vector<double> bounds;
};

/// Rows of the embedding's table.
struct Looked {
  const gguf::Tensor* table = nullptr;
  std::span<const uint32_t> tokens = {};
};

/// x / root of the mean square, weighted. Bound: sum of squares, root, division, weight.
struct Normed {
  std::span<const double> x = {};
  const gguf::Tensor* weight = nullptr;
  double eps = 0;
};

/// [tokens, out] = x [tokens, in] times the matrix, plus bias and residual where given. Operands are rounded
/// as the products' kind says; bounds are dot_bound() with the serial terms of the kernel.
struct Multiplied {
  const gguf::Tensor* matrix = nullptr;
  const gguf::Tensor* bias = nullptr;
  std::span<const double> x = {};
  std::span<const double> x_bounds = {};  // errors of x, which travel through; empty: none
  const gguf::Tensor* norm =
      nullptr;  // a fused norm: x is divided by its root mean square and weighted first
  double eps = 0;
  std::span<const double> residual = {};
};

/// The rotation of rows at these positions; errors of the input travel through.
struct Turned {
  std::span<const double> rows = {};      // used when there is no source
  std::optional<Multiplied> source = {};  // a fused product
  int64_t heads = 0;
  int64_t head_dim = 0;
  int64_t first_position = 0;
  ops::Pairing pairing = ops::Pairing::halves;
  int64_t rope_dims = 0;
  float base = 0;
  float factor = 1;
  const gguf::Tensor* divisors = nullptr;
  bool to_half = false;  // rounded to half at the end, as a cache holds it
};

/// What joins or stays in the cache: rows as they are, or rounded to half.
struct Stored {
  std::span<const double> rows = {};      // used when there is no source
  std::optional<Multiplied> source = {};  // a fused product
  bool to_half = false;
};

/// Softmax of q k / sqrt(head_dim) over all positions up to each query's own, times v.
struct Attended {
  // [tokens, heads], [positions, kv_heads], the same; times head_dim
  std::span<const double> q = {}, k = {}, v = {};
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t first_position = 0;
  std::span<const double> q_bounds = {};  // errors of q, which travel through; empty: none
  // Of wrong recipes: positions that a query sees beyond its own; below 0 its last ones are left out.
  int64_t ahead = 0;
};

/// silu(gate) * up, each given as rows or as a product.
struct Gated {
  std::span<const double> gate = {}, up = {};
  std::optional<Multiplied> gate_source = {}, up_source = {};
};

/// a + b, rounded once.
struct Added {
  std::span<const double> a = {}, b = {};
};

using Recipe = std::variant<Looked, Normed, Multiplied, Turned, Stored, Attended, Gated, Added>;

Expected expected(const Looked& op, const Arithmetic& how);
Expected expected(const Normed& op, const Arithmetic& how);
Expected expected(const Multiplied& op, const Arithmetic& how);
Expected expected(const Turned& op, const Arithmetic& how);
Expected expected(const Stored& op, const Arithmetic& how);
Expected expected(const Attended& op, const Arithmetic& how);
Expected expected(const Gated& op, const Arithmetic& how);
Expected expected(const Added& op, const Arithmetic& how);
/// What the recipe gives, stored as `how` stores checkpoints.
Expected expected(const Recipe& recipe, const Arithmetic& how);

/// Values as they stand, off by nothing.
Expected exactly(std::span<const double> values);
/// All elements of a tensor.
std::vector<double> decoded(const gguf::Tensor& tensor);
/// The f16 nearest to it.
double to_half(double value);
/// The root of the mean square, eps inside.
double root_of(std::span<const double> row, double eps);

}  // namespace kigo::tools
