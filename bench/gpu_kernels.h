// What the kernels of a launch are made of: asked of the driver, so that a library's own kernels (cuBLAS) are
// known as well.
#pragma once

#include <vector>

#include "bench/gpu_clock.h"
#include "core/base/result.h"
#include "kernels/runtime/stream.h"
#include "tools/lib/perf/record.h"

namespace kigo::bench {

/// The kernels that the launch sends to the stream, each once, in the order in which they come first, with
/// the number of their launches. Nothing runs: the launch is captured. Errors: those of the launch; cuda;
/// unsupported, when the driver lacks a function that is needed.
Result<std::vector<tools::perf::KernelUse>> kernels_of(const Launch& launch, kernels::Stream stream);

}  // namespace kigo::bench
