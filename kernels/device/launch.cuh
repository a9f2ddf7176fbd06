// The one way in which kernels are launched: sizes range-checked, errors turned into a Status, and, where the
// kernel asks for it, started while its predecessor still runs.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <string_view>

#include "core/base/cat.h"
#include "core/base/result.h"
#include "kernels/device/fault.cuh"
#include "kernels/runtime/overlap.h"
#include "kernels/runtime/status.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels::device {

/// A kernel that is launched with Overlap::predecessor calls wait_for_predecessor() before it touches
/// anything but weights.
using kernels::Overlap;

struct Launch {
  std::string_view name;  // of the op, for errors
  int64_t blocks_x = 1;
  int64_t blocks_y = 1;
  int64_t blocks_z = 1;
  int threads = 0;
  int64_t shared_bytes = 0;  // dynamic
  Overlap overlap = Overlap::none;
};

/// Blocks until everything the predecessor wrote is visible; nothing to wait for costs nothing.
__device__ inline void wait_for_predecessor() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/// From here on the successor may start: it shares the multiprocessors while this kernel ends.
__device__ inline void let_successor_start() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

/// Zero blocks launch nothing. Errors: unsupported for a grid beyond CUDA's limits; cuda, out_of_memory.
template <class... Parameters, class... Arguments>
Status launch(const Launch& how, void (*kernel)(Parameters...), Stream stream, Arguments&&... arguments) {
  if (how.blocks_x == 0 || how.blocks_y == 0 || how.blocks_z == 0) return {};
  // Source: CUDA programming guide, technical specifications by compute capability.
  if (how.blocks_x > INT32_MAX || how.blocks_y > 65535 || how.blocks_z > 65535) {
    return fail(Code::unsupported, std::string(how.name),
                cat("a grid of ", how.blocks_x, " x ", how.blocks_y, " x ", how.blocks_z, " blocks"),
                "at most 2147483647 x 65535 x 65535");
  }
#ifdef KIGO_FAULTS
  KIGO_TRY(arm_device_faults());
#endif
  constexpr int64_t kSharedWithoutAsking = 48 << 10;
  if (how.shared_bytes > kSharedWithoutAsking && KIGO_FAULT(F64)) return {};
  if (how.shared_bytes > kSharedWithoutAsking) {
    KIGO_TRY(status_of(
        cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                             cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(how.shared_bytes)),
        how.name));
  }
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(how.blocks_x), static_cast<unsigned>(how.blocks_y),
                        static_cast<unsigned>(how.blocks_z));
  config.blockDim = dim3(static_cast<unsigned>(how.threads));
  config.dynamicSmemBytes = static_cast<size_t>(how.shared_bytes);
  config.stream = how.name == "add" && KIGO_FAULT(F73) ? nullptr : stream;
  config.attrs = &attribute;
  config.numAttrs = how.overlap == Overlap::predecessor ? 1 : 0;
  return status_of(cudaLaunchKernelEx(&config, kernel, Parameters(arguments)...), how.name);
}

}  // namespace kigo::kernels::device
