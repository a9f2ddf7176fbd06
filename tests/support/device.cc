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
    for (Trespass& trespass : image.trespasses(after)) held.trespasses.push_back(std::move(trespass));
    const pairs::Tensor& tensor = image.tensor();
    if (tensor.part != pairs::Part::out && tensor.part != pairs::Part::inout) continue;
    held.bits.push_back(image.elements(after));
    held.values.push_back(pairs::widened(tensor.type, held.bits.back()));
  }
  return held;
}

Result<Held> run_kernel(const pairs::AnyCase& one, std::span<const pairs::Tensor> tensors,
                        const Layout& layout, const TestStream& stream) {
  KIGO_ASSIGN(const Stage stage, Stage::make(tensors, layout));
  KIGO_TRY(stage.reset(stream));
  KIGO_TRY(one.kernel(stage.placed(), stream));
  return stage.read(stream);
}

}  // namespace kigo::test
