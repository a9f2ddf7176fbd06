// Beside cuda.h and the runtime's header, as C++.
#include <cuda.h>
#include <cuda_runtime_api.h>

#include "tools/ffi/worker_ffi.h"

static_assert(WORKER_ERR_INVALID_DEVICE == 1 && CUDA_ERROR_INVALID_DEVICE != 1);
