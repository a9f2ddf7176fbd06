/* Beside cuda.h, as C11, in both orders. */
#ifdef KIGO_FFI_FIRST
#include <cuda.h>
#include "tools/ffi/worker_ffi.h"
#else
#include <cuda.h>
#include "tools/ffi/worker_ffi.h"
#endif

int codes_in_c(void);
int codes_in_c(void) { return WORKER_ERR_CUDA_ERROR + CUDA_SUCCESS; }
