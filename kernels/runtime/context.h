// One GPU, ready to work: chosen, checked, with its stream and the books of its memory.
#pragma once

#include <cstdint>

#include "core/base/result.h"
#include "kernels/runtime/buffer.h"
#include "kernels/runtime/device_info.h"
#include "kernels/runtime/memory_source.h"
#include "kernels/runtime/owned_stream.h"
#include "kernels/runtime/stream.h"
#include "kernels/runtime/vram.h"

namespace kigo::kernels {

/// Devices that the driver shows; 0 when there is none. Errors: cuda, without a driver or with one that is
/// too old, in words that say so.
Result<int> device_count();

/// The CUDA runtime that this program has loaded: 13000 for 13.0. Errors: cuda.
Result<int> runtime_version();

/// The GPU that all work runs on. Everything made from it (buffers, graphs, handles) ends before it.
class Context {
 public:
  /// Makes `device` the calling thread's current one. `memory` is CUDA's own but for tests.
  /// Errors: cuda: no driver, no device, no such device; unsupported: a device older than the architectures
  /// that were built, naming both; out_of_memory.
  static Result<Context> create(int device = 0, MemorySource memory = cuda_memory());

  /// Makes the device the calling thread's current one, as create() did for its own. Errors: cuda.
  Status enter_thread() const;

  const DeviceInfo& info() const { return info_; }
  Vram& vram() { return vram_; }
  const Vram& vram() const { return vram_; }
  Stream stream() const { return stream_.get(); }

  /// Free device memory at this moment. Errors: cuda.
  Result<int64_t> free_bytes() const { return vram_.available_bytes(); }

  /// Waits for the stream, then sends eight new bytes to the device and back. Errors: cuda: what earlier work
  /// left behind (an error that sticks makes every later call fail), or other bytes than were sent.
  Status health();

 private:
  Context(DeviceInfo info, Vram vram) : info_(std::move(info)), vram_(std::move(vram)) {}

  DeviceInfo info_;
  Vram vram_;
  DeviceBuffer echo_;  // before the stream: work on it ends first
  uint64_t echoes_ = 0;
  OwnedStream stream_;
};

}  // namespace kigo::kernels
