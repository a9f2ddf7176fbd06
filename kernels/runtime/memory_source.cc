#include "kernels/runtime/memory_source.h"

#include <cuda_runtime_api.h>

#include "core/base/cat.h"
#include "kernels/runtime/status.h"

namespace kigo::kernels {
namespace {

Result<std::byte*> taken(cudaError_t error, void* data, std::string_view call, int64_t bytes) {
  if (error != cudaSuccess) {
    (void)cudaGetLastError();  // else the next launch would report this failure as its own
    return tl::unexpected<Error>(status_of(error, cat(call, " of ", bytes, " bytes")).error());
  }
  return static_cast<std::byte*>(data);
}

Result<std::byte*> allocate_device(int64_t bytes) {
  void* data = nullptr;
  const cudaError_t error = cudaMalloc(&data, static_cast<size_t>(bytes));
  return taken(error, data, "cudaMalloc", bytes);
}

Result<std::byte*> allocate_pinned(int64_t bytes) {
  void* data = nullptr;
  const cudaError_t error = cudaHostAlloc(&data, static_cast<size_t>(bytes), cudaHostAllocDefault);
  return taken(error, data, "cudaHostAlloc", bytes);
}

Result<int64_t> available_bytes() {
  size_t available = 0;
  size_t total = 0;
  KIGO_TRY(status_of(cudaMemGetInfo(&available, &total), "free device memory"));
  return static_cast<int64_t>(available);
}

std::string_view kind(cudaMemoryType type) {
  switch (type) {
    case cudaMemoryTypeHost:
      return "pinned host memory";
    case cudaMemoryTypeDevice:
      return "device memory";
    case cudaMemoryTypeManaged:
      return "managed memory";
    default:
      return "memory unknown to CUDA";
  }
}

Status check_resident(const std::byte* data) {
  cudaPointerAttributes attributes{};
  KIGO_TRY(status_of(cudaPointerGetAttributes(&attributes, data), "residency"));
  if (attributes.type == cudaMemoryTypeDevice) return {};
  return fail(Code::cuda, "residency", std::string(kind(attributes.type)), "device memory");
}

}  // namespace

MemorySource cuda_memory() {
  return {.device = {allocate_device, [](std::byte* data) { (void)cudaFree(data); }},
          .pinned = {allocate_pinned, [](std::byte* data) { (void)cudaFreeHost(data); }},
          .available_bytes = available_bytes,
          .check_resident = check_resident};
}

}  // namespace kigo::kernels
