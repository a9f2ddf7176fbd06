// What a CUDA call returned, as a Status. For files that include CUDA's headers.
#pragma once

#include <cuda_runtime_api.h>

#include <string_view>

#include "core/base/cat.h"
#include "core/base/result.h"

namespace kigo::kernels {

/// `KIGO_TRY(status_of(cudaMemcpyAsync(...), "copy of weights"));`
/// Errors: out_of_memory for cudaErrorMemoryAllocation, cuda for everything else, with CUDA's name and text.
inline Status status_of(cudaError_t error, std::string_view subject) {
  if (error == cudaSuccess) return {};
  const Code code = error == cudaErrorMemoryAllocation ? Code::out_of_memory : Code::cuda;
  return fail(code, std::string(subject), cat(cudaGetErrorName(error), ": ", cudaGetErrorString(error)),
              "success");
}

}  // namespace kigo::kernels
