#include "kernels/runtime/owned_stream.h"

#include <cuda_runtime_api.h>

#include "kernels/runtime/status.h"

namespace kigo::kernels {

Status synchronize(Stream stream) { return status_of(cudaStreamSynchronize(stream), "stream"); }

Result<OwnedStream> OwnedStream::create() {
  Stream stream = nullptr;
  KIGO_TRY(status_of(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "stream"));
  OwnedStream owned;
  owned.stream_.reset(stream);
  return owned;
}

void OwnedStream::Destroy::operator()(Stream stream) const {
  // Buffers that the work still uses end after their stream, so nothing may be in flight from here on.
  (void)cudaStreamSynchronize(stream);
  (void)cudaStreamDestroy(stream);
}

Result<Event> Event::create(Timing timing) {
  cudaEvent_t event = nullptr;
  const unsigned flags = timing == Timing::on ? cudaEventDefault : cudaEventDisableTiming;
  KIGO_TRY(status_of(cudaEventCreateWithFlags(&event, flags), "event"));
  Event owned;
  owned.event_.reset(event);
  return owned;
}

void Event::Destroy::operator()(CUevent_st* event) const { (void)cudaEventDestroy(event); }

Status Event::record(Stream stream) { return status_of(cudaEventRecord(event_.get(), stream), "event"); }

Status Event::wait() const { return status_of(cudaEventSynchronize(event_.get()), "event"); }

Status Event::make_wait(Stream stream) const {
  return status_of(cudaStreamWaitEvent(stream, event_.get(), 0), "event");
}

Result<float> Event::elapsed_ms_since(const Event& start) const {
  float elapsed_ms = 0;
  KIGO_TRY(status_of(cudaEventElapsedTime(&elapsed_ms, start.event_.get(), event_.get()), "elapsed time"));
  return elapsed_ms;
}

}  // namespace kigo::kernels
