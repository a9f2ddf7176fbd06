// How far the logits of the kernels may be from the reference's: what decides whether another greedy id is a
// near tie or a fault.
#pragma once

#include <cmath>
#include "core/compare/bound.h"

namespace kigo::tools {

// Noise as a share of the signal, of float activations against double ones. With keys and values in half both
// sides round them, but not always the same way. Source: docs/gpu.md, accuracy.
inline constexpr double kDecodeNoise = 1e-10;
inline constexpr double kDecodeNoiseHalf = 1e-7;
// With the operands of every product in half, in a prompt or everywhere, each product is off by up to 2^-10,
// at random by about 2^-12: noise of 6e-8, which some hundred products on the way to the logits add up.
inline constexpr double kHalfNoise = 1e-5;

/// How far a logit may be off where the noise is this share of the signal: of some 150,000 errors that are
/// distributed normally none is beyond 8 standard deviations. `want` [vocab], not empty.
inline double allowed_error(compare::Values want, double noise) {
  double power = 0;
  for (size_t i = 0; i < want.size(); ++i) power += want[i] * want[i];
  return 8 * std::sqrt(noise * power / static_cast<double>(want.size()));
}

}  // namespace kigo::tools
