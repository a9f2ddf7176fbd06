// The tensors of a case on a device, a kernel run over them, and what it left behind. Plain CUDA calls,
// nothing of kernels/runtime: what is tested there is not used to test.
#pragma once

#include <cuda_runtime_api.h>

#include <memory>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "tests/pairs/any_pair.h"
#include "tests/support/canary.h"

namespace kigo::test {

struct FreeDevice {
  void operator()(void* memory) const { cudaFree(memory); }
};
using DeviceMemory = std::unique_ptr<void, FreeDevice>;

/// Errors: out_of_memory, cuda.
Result<DeviceMemory> device_memory(size_t bytes);

/// A stream that waits for no other, not even for the default one.
class TestStream {
 public:
  TestStream();
  ~TestStream() { cudaStreamDestroy(stream_); }
  TestStream(const TestStream&) = delete;
  TestStream& operator=(const TestStream&) = delete;
  operator cudaStream_t() const { return stream_; }
  /// Waits for everything on the stream. Errors: cuda, also of kernels launched before.
  Status wait() const;

 private:
  cudaStream_t stream_ = nullptr;
};

/// What the outputs of a case hold, in the order of pairs::Outputs.
struct Held {
  std::vector<std::vector<std::byte>> bits;  // dense
  pairs::Outputs values;                     // the same, widened
  std::vector<Trespass> trespasses;
};

/// The tensors of a case on the device, each in a buffer of its own, between canaries.
class Stage {
 public:
  /// The tensors must outlive the stage. Errors: out_of_memory, cuda.
  static Result<Stage> make(std::span<const pairs::Tensor> tensors, const Layout& layout);

  std::span<const pairs::Placed> placed() const { return placed_; }
  /// Brings every buffer back to what it held before the run, and waits for it.
  Status reset(const TestStream& stream) const;
  /// Reads everything back after waiting for the stream.
  Result<Held> read(const TestStream& stream) const;

 private:
  std::vector<Image> images_;
  std::vector<DeviceMemory> memory_;
  std::vector<pairs::Placed> placed_;
};

/// Lays out the tensors, runs the kernel once and reads everything back.
Result<Held> run_kernel(const pairs::AnyCase& one, std::span<const pairs::Tensor> tensors,
                        const Layout& layout, const TestStream& stream);

}  // namespace kigo::test
