// Version, names and messages: what any thread may ask at any time.
#include <array>
#include <string>

#include "core/base/cat.h"
#include "tools/ffi/objects.h"

namespace kigo::ffi {
namespace {

struct Sentence {
  WorkerError code;
  const char* text;
};

constexpr std::array kSentences = std::to_array<Sentence>({
    {WorkerError::invalid_device, "there is no such device, or this build does not run on it"},
    {WorkerError::vram_oom, "not enough memory on the device"},
    {WorkerError::model_load_failed, "the model cannot be loaded"},
    {WorkerError::inference_failed, "the forward pass gave logits that no token can be drawn from"},
    {WorkerError::invalid_request, "a parameter is missing or out of range, or a handle is not alive"},
    {WorkerError::device_failed, "a call of the device failed"},
    {WorkerError::vram_residency_failed, "memory is not where it was put"},
    {WorkerError::device_not_found, "there is no usable GPU; device -1, the CPU, works without"},
    {WorkerError::insufficient_vram, "too little memory for the model with this context"},
    {WorkerError::context_overflow, "the tokens do not fit into the context"},
    {WorkerError::cancelled, "cancelled"},
    {WorkerError::inference_timeout, "the time for a generation is over"},
    {WorkerError::buffer_too_small, "the caller's buffer is too small, nothing was consumed"},
    {WorkerError::abi_mismatch, "a struct has a size that this library does not know"},
    {WorkerError::worker_unhealthy, "the worker failed its self-check"},
    {WorkerError::internal, "an internal error"},
});

const WorkerErrorRow* find_row(int code) {
  for (const WorkerErrorRow& row : kWorkerErrors)
    if (static_cast<int>(row.code) == code) return &row;
  return nullptr;
}

}  // namespace
}  // namespace kigo::ffi

extern "C" {

uint32_t worker_abi_version(void) { return WORKER_ABI_VERSION; }
const char* worker_build_info(void) { return "kigo " KIGO_VERSION ", " KIGO_BACKENDS; }

const char* cuda_error_message(int code) {
  if (code == WORKER_OK) return "success";
  for (const auto& each : kigo::ffi::kSentences)
    if (static_cast<int>(each.code) == code) return each.text;
  return "an unknown error code";
}

const char* worker_error_name(int code) {
  if (code == WORKER_OK) return "OK";
  const kigo::WorkerErrorRow* row = kigo::ffi::find_row(code);
  return row != nullptr ? row->name.data() : "UNKNOWN";
}

int worker_last_error(void) { return kigo::ffi::last_error(); }
const char* worker_last_error_message(void) { return kigo::ffi::last_error_message(); }

}  // extern "C"
