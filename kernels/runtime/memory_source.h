// Where memory comes from, as function objects: CUDA's allocators, or a test's that fail on demand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "core/base/result.h"

namespace kigo::kernels {

/// Takes memory and gives it back.
struct Allocator {
  /// bytes >= 1; the address is aligned to 256 bytes. Errors: out_of_memory, cuda.
  std::function<Result<std::byte*>(int64_t bytes)> allocate;
  /// Takes only what `allocate` gave. Never fails: what a device says while it goes away helps nobody.
  std::function<void(std::byte* data)> release;
};

/// All that the tracker (vram.h) asks of a machine.
struct MemorySource {
  Allocator device;
  Allocator pinned;  // on the host, page-locked: copied from and to without a detour
  /// Free device memory. Errors: cuda.
  std::function<Result<int64_t>()> available_bytes;
  /// That the address lies in device memory. Errors: cuda, for an address elsewhere too.
  std::function<Status(const std::byte* data)> check_resident;
};

/// The memory of the current device: cudaMalloc and cudaHostAlloc, cudaMemGetInfo, cudaPointerGetAttributes.
/// A failed allocation leaves no error behind for the next call to stumble over.
MemorySource cuda_memory();

}  // namespace kigo::kernels
