// Memory on a device for those who place bytes there themselves: the host's on the CPU, or a GPU's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/base/result.h"

namespace kigo::tools {

/// A device, open. One thread at a time calls it, after enter_thread().
class DeviceMemory {
 public:
  /// Bytes on the device, given back on destruction; it ends before the device.
  class Block {
   public:
    virtual ~Block() = default;
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    virtual std::byte* data() const = 0;

   protected:
    Block() = default;
  };
  struct Sizes {
    uint64_t free_bytes = 0;
    uint64_t total_bytes = 0;
  };

  virtual ~DeviceMemory() = default;
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  /// Before a thread other than the one that opened it uses it. Errors: cuda.
  virtual Status enter_thread() = 0;
  /// That it answers. Errors: cuda.
  virtual Status health() = 0;
  /// Of the device, or of the system. Errors: cuda; io where the system does not say.
  virtual Result<Sizes> sizes() = 0;
  /// bytes >= 1, aligned to 256. Errors: out_of_memory, cuda.
  virtual Result<std::unique_ptr<Block>> allocate(uint64_t bytes) = 0;
  /// Host to device and back, done on return. Errors: cuda.
  virtual Status upload(std::byte* device, std::span<const std::byte> host) = 0;
  virtual Status download(std::span<std::byte> host, const std::byte* device) = 0;

 protected:
  DeviceMemory() = default;
};

/// -1: the CPU. Errors: invalid_request below it; those of a GPU's context (cuda, unsupported,
/// out_of_memory); unsupported in a build without CUDA.
Result<std::unique_ptr<DeviceMemory>> open_device_memory(int device);

/// What stands behind 0 and up: cuda_memory.cc, or no_cuda.cc in a build without.
Result<std::unique_ptr<DeviceMemory>> open_cuda_memory(int device);
/// GPUs. Errors: cuda; unsupported in a build without CUDA.
Result<int> count_cuda_devices();

}  // namespace kigo::tools
