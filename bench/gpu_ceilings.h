// What the GPU can do at all, measured like everything else.
#pragma once

#include <vector>

#include "bench/gpu_clock.h"
#include "core/base/result.h"
#include "kernels/runtime/vram.h"
#include "tools/lib/perf/record.h"

namespace kigo::bench {

/// One record each, with bytes and flops of one sample: "copy" (1 GiB, device to device; bytes read and
/// written), "read" (1 GiB, read and summed; alone, and in a row), "gemm_half" (cuBLAS, half operands, float
/// sums), "gemm_float", "launch" (an empty kernel, alone between two events), "graph_node" (an empty kernel,
/// one of many in a graph), "grid_barrier" (all multiprocessors wait for each other once). `vram` lends
/// cuBLAS its workspace. With `delay_us` there is a spin behind each launch as everywhere. Errors: cuda,
/// out_of_memory.
Result<std::vector<tools::perf::Record>> measure_ceilings(GpuClock& clock, kernels::Vram& vram,
                                                          std::optional<double> delay_us);

}  // namespace kigo::bench
