#include "kernels/runtime/copy.h"

#include <cuda_runtime_api.h>

#include "kernels/runtime/status.h"

namespace kigo::kernels {

Status upload(std::byte* device, std::span<const std::byte> host, Stream stream) {
  if (host.empty()) return {};
  return status_of(cudaMemcpyAsync(device, host.data(), host.size(), cudaMemcpyHostToDevice, stream),
                   "copy to the device");
}

Status download(std::span<std::byte> host, const std::byte* device, Stream stream) {
  if (host.empty()) return {};
  return status_of(cudaMemcpyAsync(host.data(), device, host.size(), cudaMemcpyDeviceToHost, stream),
                   "copy from the device");
}

Status fill(std::byte* device, int64_t bytes, std::byte value, Stream stream) {
  if (bytes == 0) return {};
  return status_of(cudaMemsetAsync(device, std::to_integer<int>(value), static_cast<size_t>(bytes), stream),
                   "fill of device memory");
}

}  // namespace kigo::kernels
