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
#include "tests/support/machine.h"

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

/// Runs kernel() of the cases on a stream, which must outlive the machine and its setups.
class GpuMachine final : public Machine {
 public:
  explicit GpuMachine(const TestStream& stream) : stream_(&stream) {}
  std::string_view name() const override { return "cuda"; }
  bool can_run(const pairs::AnyPair& pair) const override { return pair.runs_on_device(); }
  Result<std::unique_ptr<Setup>> set_up(std::span<const pairs::Tensor> tensors,
                                        const Layout& layout) const override;

 private:
  const TestStream* stream_;
};

}  // namespace kigo::test
