#include "tests/support/device.h"

#include "kernels/runtime/status.h"
#include "tests/pairs/data.h"

namespace kigo::test {

using kernels::status_of;

Result<DeviceMemory> device_memory(size_t bytes) {
  void* memory = nullptr;
  KIGO_TRY(status_of(cudaMalloc(&memory, bytes), cat("test buffer of ", bytes, " bytes")));
  return DeviceMemory(memory);
}

TestStream::TestStream() {
  KIGO_CHECK(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking) == cudaSuccess);
}

Status TestStream::wait() const { return status_of(cudaStreamSynchronize(stream_), "test stream"); }

Result<Stage> Stage::make(std::span<const pairs::Tensor> tensors, const Layout& layout) {
  Stage stage;
  for (const pairs::Tensor* tensor : pairs::placed_tensors(tensors)) {
    stage.images_.emplace_back(*tensor, layout);
    KIGO_ASSIGN(DeviceMemory memory, device_memory(stage.images_.back().bytes().size()));
    stage.placed_.push_back(stage.images_.back().placed(static_cast<std::byte*>(memory.get())));
    stage.memory_.push_back(std::move(memory));
  }
  return stage;
}

Status Stage::reset(const TestStream& stream) const {
  for (size_t i = 0; i < images_.size(); ++i) {
    const std::vector<std::byte>& bytes = images_[i].bytes();
    KIGO_TRY(status_of(
        cudaMemcpyAsync(memory_[i].get(), bytes.data(), bytes.size(), cudaMemcpyHostToDevice, stream),
        "copy of a test's tensor"));
  }
  return stream.wait();
}

Result<Held> Stage::read(const TestStream& stream) const {
  KIGO_TRY(stream.wait());
  Held held;
  for (size_t i = 0; i < images_.size(); ++i) {
    const Image& image = images_[i];
    std::vector<std::byte> after(image.bytes().size());
    KIGO_TRY(status_of(
        cudaMemcpyAsync(after.data(), memory_[i].get(), after.size(), cudaMemcpyDeviceToHost, stream),
        "copy of a result"));
    KIGO_TRY(stream.wait());
    take(image, after, held);
  }
  return held;
}

namespace {

class GpuSetup final : public Setup {
 public:
  GpuSetup(Stage stage, const TestStream& stream) : stage_(std::move(stage)), stream_(stream) {}
  Status reset() override { return stage_.reset(stream_); }
  Status run(const pairs::AnyCase& one) override { return one.kernel(stage_.placed(), stream_); }
  Result<Held> read() override { return stage_.read(stream_); }

 private:
  Stage stage_;
  const TestStream& stream_;
};

}  // namespace

Result<std::unique_ptr<Setup>> GpuMachine::set_up(std::span<const pairs::Tensor> tensors,
                                                  const Layout& layout) const {
  KIGO_ASSIGN(Stage stage, Stage::make(tensors, layout));
  KIGO_TRY(stage.reset(*stream_));
  return std::make_unique<GpuSetup>(std::move(stage), *stream_);
}

}  // namespace kigo::test
