// The turn that rope gives to a pair of elements: cosine and sine of an angle made in double.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/device/fault.cuh"

namespace kigo::kernels::device {

/// base^(-2 pair / rope_dims), divided by the pair's divisor where there are divisors (else null). It needs
/// no position: a kernel that overlaps with its predecessor computes it before it waits.
__device__ inline double rope_frequency(int64_t pair, int64_t rope_dims, float base, const float* divisors) {
  const double frequency =
      pow(static_cast<double>(base), -2.0 * static_cast<double>(pair) / static_cast<double>(rope_dims));
  return divisors == nullptr ? frequency : frequency / static_cast<double>(__ldg(divisors + pair));
}

struct Turn {
  float cosine, sine;
};

/// The angle is position / factor * frequency. In double, reduced exactly by sincos: at position 2^31 the
/// spacing of double angles is 5e-7, where floats would lie 256 apart.
__device__ inline Turn rope_turn(int64_t position, float factor, double frequency) {
  double sine, cosine;
  if (KIGO_FAULT(F25)) position = 0;
  if (KIGO_FAULT(F27b)) ++position;
  sincos(static_cast<double>(position) / static_cast<double>(factor) * frequency, &sine, &cosine);
  return {static_cast<float>(cosine), static_cast<float>(sine)};
}

}  // namespace kigo::kernels::device
