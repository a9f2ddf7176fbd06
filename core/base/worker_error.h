// The errors of a worker, as HTTP, event streams, logs and the C ABI name them: docs/worker.md, section 4.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/base/result.h"

namespace kigo {

/// The C ABI's values are 1..99; those from 100 on exist over HTTP, the last two in logs and metrics only.
/// Never renumbered; new ones are appended.
enum class WorkerError : uint8_t {
  invalid_device = 1,
  vram_oom = 2,
  model_load_failed = 3,
  inference_failed = 4,
  invalid_request = 5,
  device_failed = 6,
  vram_residency_failed = 7,
  device_not_found = 8,
  insufficient_vram = 9,
  context_overflow = 10,
  cancelled = 11,
  inference_timeout = 12,
  buffer_too_small = 13,
  abi_mismatch = 14,
  worker_unhealthy = 15,
  internal = 99,
  unauthorized = 100,
  forbidden_origin = 101,
  not_found = 102,
  method_not_allowed = 103,
  duplicate_job = 104,
  payload_too_large = 105,
  unsupported_media_type = 106,
  queue_full = 107,
  queue_timeout = 108,
  not_ready = 109,
  shutting_down = 110,
  client_gone = 111,
  slow_client = 112,
};

struct WorkerErrorRow {
  WorkerError code;
  std::string_view name;
  int http_status;  // 0 where it is no reply: at start, in the C ABI, in logs
  bool retriable;   // the same request may succeed later or on another worker
};

inline constexpr std::array<WorkerErrorRow, 29> kWorkerErrors = {{
    {WorkerError::invalid_device, "INVALID_DEVICE", 0, false},
    {WorkerError::vram_oom, "VRAM_OOM", 503, true},
    {WorkerError::model_load_failed, "MODEL_LOAD_FAILED", 0, false},
    {WorkerError::inference_failed, "INFERENCE_FAILED", 500, false},
    {WorkerError::invalid_request, "INVALID_REQUEST", 400, false},
    {WorkerError::device_failed, "CUDA_ERROR", 500, true},
    {WorkerError::vram_residency_failed, "VRAM_RESIDENCY_FAILED", 503, true},
    {WorkerError::device_not_found, "DEVICE_NOT_FOUND", 0, false},
    {WorkerError::insufficient_vram, "INSUFFICIENT_VRAM", 0, true},
    {WorkerError::context_overflow, "CONTEXT_OVERFLOW", 400, false},
    {WorkerError::cancelled, "CANCELLED", 499, false},
    {WorkerError::inference_timeout, "INFERENCE_TIMEOUT", 504, true},
    {WorkerError::buffer_too_small, "BUFFER_TOO_SMALL", 0, true},
    {WorkerError::abi_mismatch, "ABI_MISMATCH", 0, false},
    {WorkerError::worker_unhealthy, "WORKER_UNHEALTHY", 503, true},
    {WorkerError::internal, "INTERNAL", 500, true},
    {WorkerError::unauthorized, "UNAUTHORIZED", 401, false},
    {WorkerError::forbidden_origin, "FORBIDDEN_ORIGIN", 403, false},
    {WorkerError::not_found, "NOT_FOUND", 404, false},
    {WorkerError::method_not_allowed, "METHOD_NOT_ALLOWED", 405, false},
    {WorkerError::duplicate_job, "DUPLICATE_JOB", 409, false},
    {WorkerError::payload_too_large, "PAYLOAD_TOO_LARGE", 413, false},
    {WorkerError::unsupported_media_type, "UNSUPPORTED_MEDIA_TYPE", 415, false},
    {WorkerError::queue_full, "QUEUE_FULL", 429, true},
    {WorkerError::queue_timeout, "QUEUE_TIMEOUT", 503, true},
    {WorkerError::not_ready, "NOT_READY", 503, true},
    {WorkerError::shutting_down, "SHUTTING_DOWN", 503, true},
    {WorkerError::client_gone, "CLIENT_GONE", 0, false},
    {WorkerError::slow_client, "SLOW_CLIENT", 0, false},
}};

constexpr const WorkerErrorRow& row(WorkerError code) {
  for (const WorkerErrorRow& each : kWorkerErrors)
    if (each.code == code) return each;
  return kWorkerErrors.front();  // not reached: a test finds every enumerator
}
constexpr std::string_view name(WorkerError code) { return row(code).name; }

/// How an error of a running job is reported: what a request or the device caused by its own code, anything
/// else as internal.
WorkerError worker_error(Code code);

/// How an error is reported that keeps a device or a model from being opened.
WorkerError start_error(const Error& error);

}  // namespace kigo
