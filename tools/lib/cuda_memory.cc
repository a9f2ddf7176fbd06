// Memory on a GPU, from the tracker of kernels/runtime.
#include "kernels/runtime/context.h"
#include "kernels/runtime/copy.h"
#include "tools/lib/device_memory.h"

namespace kigo::tools {
namespace {

class CudaBlock final : public DeviceMemory::Block {
 public:
  explicit CudaBlock(kernels::DeviceBuffer buffer) : buffer_(std::move(buffer)), data_(buffer_.data()) {}
  std::byte* data() const override { return data_; }

 private:
  kernels::DeviceBuffer buffer_;
  std::byte* data_;
};

class CudaMemory final : public DeviceMemory {
 public:
  explicit CudaMemory(kernels::Context context) : context_(std::move(context)) {}

  Status enter_thread() override { return context_.enter_thread(); }
  Status health() override { return context_.health(); }

  Result<Sizes> sizes() override {
    KIGO_ASSIGN(const int64_t available, context_.free_bytes());
    return Sizes{static_cast<uint64_t>(available), static_cast<uint64_t>(context_.info().total_bytes)};
  }

  Result<std::unique_ptr<Block>> allocate(uint64_t bytes) override {
    if (bytes > INT64_MAX) return fail(Code::out_of_memory, "caller's memory", "2^63 bytes or more", "fewer");
    KIGO_ASSIGN(auto buffer, context_.vram().allocate(kernels::Purpose::weights, static_cast<int64_t>(bytes),
                                                      "caller's memory"));
    return std::make_unique<CudaBlock>(std::move(buffer));
  }

  Status upload(std::byte* device, std::span<const std::byte> host) override {
    KIGO_TRY(kernels::upload(device, host, context_.stream()));
    return kernels::synchronize(context_.stream());
  }
  Status download(std::span<std::byte> host, const std::byte* device) override {
    KIGO_TRY(kernels::download(host, device, context_.stream()));
    return kernels::synchronize(context_.stream());
  }

 private:
  kernels::Context context_;
};

}  // namespace

Result<std::unique_ptr<DeviceMemory>> open_cuda_memory(int device) {
  KIGO_ASSIGN(auto context, kernels::Context::create(device));
  return std::make_unique<CudaMemory>(std::move(context));
}

Result<int> count_cuda_devices() { return kernels::device_count(); }

}  // namespace kigo::tools
