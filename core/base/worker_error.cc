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

WorkerError start_error(const Error& error) {
  switch (error.code) {
    case Code::out_of_memory:
      return WorkerError::insufficient_vram;
    case Code::cuda:
      if (error.subject.starts_with("CUDA driver") || error.subject == "device")
        return WorkerError::device_not_found;
      return error.subject.starts_with("device") ? WorkerError::invalid_device : WorkerError::device_failed;
    case Code::invalid_request:
      return WorkerError::invalid_request;
    case Code::cancelled:
      return WorkerError::cancelled;
    default:
      if (error.subject == "backend cuda") return WorkerError::device_not_found;
      return error.subject.starts_with("device ") ? WorkerError::invalid_device
                                                  : WorkerError::model_load_failed;
  }
}

}  // namespace kigo
