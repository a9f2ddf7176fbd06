// What the GPU can do at all, measured like everything else.
#pragma once

#include <vector>

#include "bench/gpu_clock.h"
#include "core/base/result.h"
#include "kernels/runtime/vram.h"
#include "tools/lib/perf/record.h"

namespace kigo::bench {

/// One record each for copy, read, gemm_half, gemm_float, launch, graph_node and grid_barrier (limits.h),
/// with bytes and flops of one sample. `vram` lends cuBLAS its workspace. With `delay_us` there is a spin
/// behind each launch as everywhere. Errors: cuda, out_of_memory.
Result<std::vector<tools::perf::Record>> measure_ceilings(GpuClock& clock, kernels::Vram& vram,
                                                          std::optional<double> delay_us);

}  // namespace kigo::bench
