#include "core/base/worker_error.h"

namespace kigo {

WorkerError worker_error(Code code) {
  switch (code) {
    case Code::invalid_request:
    case Code::invalid_utf8:
      return WorkerError::invalid_request;
    case Code::context_overflow:
      return WorkerError::context_overflow;
    case Code::inference_failed:
      return WorkerError::inference_failed;
    case Code::out_of_memory:
      return WorkerError::vram_oom;
    case Code::cuda:
      return WorkerError::device_failed;
    case Code::cancelled:
      return WorkerError::cancelled;
    default:
      return WorkerError::internal;
  }
}

}  // namespace kigo
