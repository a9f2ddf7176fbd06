/* worker_ffi.h alone, as C11. */
#include "tools/ffi/worker_ffi.h"

_Static_assert(sizeof(void*) != 8 || sizeof(WorkerSampling) == 56, "WorkerSampling");
_Static_assert(sizeof(void*) != 8 || sizeof(WorkerLoadOptions) == 40, "WorkerLoadOptions");
_Static_assert(sizeof(void*) != 8 || sizeof(WorkerModelConfig) == 64, "WorkerModelConfig");
_Static_assert(sizeof(WorkerModelInfo) == 320, "WorkerModelInfo");

uint32_t version_in_c(void);
uint32_t version_in_c(void) { return worker_abi_version() == WORKER_ABI_VERSION ? WORKER_ABI_VERSION : 0; }
