#include "bench/ops_copies.h"

#include <cuda_runtime_api.h>

#include "kernels/runtime/owned_stream.h"
#include "kernels/runtime/status.h"
#include "tests/pairs/data.h"

namespace kigo::bench {

using kernels::status_of;

Result<std::byte*> Room::of(size_t bytes) {
  if (bytes > bytes_) {
    memory_.reset();  // before the new one: both might not fit
    bytes_ = 0;
    KIGO_ASSIGN(memory_, test::device_memory(bytes));
    bytes_ = bytes;
  }
  return static_cast<std::byte*>(memory_.get());
}

Result<Copies> Copies::make(std::vector<test::Image> images, size_t count, Room& room,
                            kernels::Stream stream) {
  Copies copies;
  copies.images_ = std::move(images);
  for (const test::Image& image : copies.images_) {
    copies.offsets_.push_back(copies.stride_);
    copies.stride_ += image.bytes().size();  // a multiple of 256
  }
  KIGO_ASSIGN(copies.pristine_, room.of((count + 1) * copies.stride_));
  for (size_t i = 0; i < copies.images_.size(); ++i) {
    const std::vector<std::byte>& bytes = copies.images_[i].bytes();
    KIGO_TRY(status_of(cudaMemcpyAsync(copies.pristine_ + copies.offsets_[i], bytes.data(), bytes.size(),
                                       cudaMemcpyHostToDevice, stream),
                       "copy of a case's tensor"));
  }
  for (size_t copy = 0; copy < count; ++copy) {
    std::vector<pairs::Placed>& placed = copies.placed_.emplace_back();
    std::byte* const base = copies.pristine_ + (copy + 1) * copies.stride_;
    for (size_t i = 0; i < copies.images_.size(); ++i)
      placed.push_back(copies.images_[i].placed(base + copies.offsets_[i]));
    KIGO_TRY(copies.reset(copy, stream));
  }
  KIGO_TRY(kernels::synchronize(stream));
  return copies;
}

Status Copies::reset(size_t copy, kernels::Stream stream) const {
  return status_of(
      cudaMemcpyAsync(pristine_ + (copy + 1) * stride_, pristine_, stride_, cudaMemcpyDeviceToDevice, stream),
      "reset of a case's tensors");
}

Result<pairs::Outputs> Copies::outputs(size_t copy, kernels::Stream stream) const {
  KIGO_TRY(kernels::synchronize(stream));
  pairs::Outputs outputs;
  for (size_t i = 0; i < images_.size(); ++i) {
    const pairs::Tensor& tensor = images_[i].tensor();
    if (tensor.part != pairs::Part::out && tensor.part != pairs::Part::inout) continue;
    std::vector<std::byte> after(images_[i].bytes().size());
    KIGO_TRY(status_of(cudaMemcpy(after.data(), pristine_ + (copy + 1) * stride_ + offsets_[i], after.size(),
                                  cudaMemcpyDeviceToHost),
                       "copy of a result"));
    outputs.push_back(pairs::widened(tensor.type, images_[i].elements(after)));
  }
  return outputs;
}

std::vector<test::Image> images_of(std::span<const pairs::Tensor> tensors) {
  std::vector<test::Image> images;
  for (const pairs::Tensor* tensor : pairs::placed_tensors(tensors))
    images.emplace_back(*tensor, test::Layout{});
  return images;
}

size_t bytes_of_copy(std::span<const pairs::Tensor> tensors) {
  size_t bytes = 0;
  for (const pairs::Tensor* tensor : pairs::placed_tensors(tensors))
    bytes += static_cast<size_t>(tensor->elements() * pairs::element_bytes(tensor->type));
  return bytes;
}

}  // namespace kigo::bench
