// KIGO_FAULT in kernels: the same word, asked of switches in constant memory. To be included after every
// other header of a .cu file that has sites, or by a .cuh that has some. Without the build option nothing is
// left.
#pragma once

#include "core/base/fault.h"

#ifdef KIGO_FAULTS

#include <cuda_runtime.h>

#include "kernels/runtime/device_faults.h"

namespace kigo::kernels::device {
namespace {

__constant__ bool fault_switches[fault::detail::kFaults];
__device__ unsigned long long fault_counts[fault::detail::kFaults];

[[maybe_unused]] const bool kFaultsRegistered = [] {
  register_device_faults(fault_switches, fault_counts);
  return true;
}();

/// On the device every thread that takes the wrong way counts; on the host as everywhere.
[[maybe_unused]] __host__ __device__ inline bool fault_active(fault::Id id) {
#ifdef __CUDA_ARCH__
  const int at = static_cast<int>(id);
  if (!fault_switches[at]) return false;
  atomicAdd(&fault_counts[at], 1ull);
  return true;
#else
  return fault::active(id);
#endif
}

}  // namespace
}  // namespace kigo::kernels::device

#undef KIGO_FAULT
#define KIGO_FAULT(id) (::kigo::kernels::device::fault_active(::kigo::fault::Id::id))

#endif
