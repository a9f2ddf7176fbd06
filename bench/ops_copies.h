// The tensors of a case on the device, several times over.
#pragma once

#include <span>
#include <vector>

#include "core/base/result.h"
#include "kernels/runtime/stream.h"
#include "tests/pairs/any_pair.h"
#include "tests/support/canary.h"
#include "tests/support/device.h"

namespace kigo::bench {

/// Device memory that is kept from one case to the next: giving it back waits for the whole device.
class Room {
 public:
  /// At least so many bytes, which are anybody's the next time. Errors: out_of_memory, cuda.
  Result<std::byte*> of(size_t bytes);

 private:
  test::DeviceMemory memory_;
  size_t bytes_ = 0;
};

class Copies {
 public:
  /// The tensors behind `images` outlive the copies, and `room` is lent to them. Every copy holds what the
  /// kernel expects. Errors: out_of_memory, cuda.
  static Result<Copies> make(std::vector<test::Image> images, size_t count, Room& room,
                             kernels::Stream stream);

  size_t count() const { return placed_.size(); }
  std::span<const pairs::Placed> placed(size_t copy) const { return placed_[copy]; }
  /// Brings a copy back to what it held at first, on the stream. Errors: cuda.
  Status reset(size_t copy, kernels::Stream stream) const;
  /// What a copy's outputs hold now, after waiting for the stream. Errors: cuda.
  Result<pairs::Outputs> outputs(size_t copy, kernels::Stream stream) const;

 private:
  std::vector<test::Image> images_;
  std::vector<size_t> offsets_;  // of each image in a copy
  size_t stride_ = 0;            // bytes of a copy
  std::byte* pristine_ = nullptr;
  std::vector<std::vector<pairs::Placed>> placed_;
};

/// Of each tensor that a kernel is given, in order, as it lies in a copy. `tensors` outlive the images.
std::vector<test::Image> images_of(std::span<const pairs::Tensor> tensors);

/// Bytes of one copy.
size_t bytes_of_copy(std::span<const pairs::Tensor> tensors);

}  // namespace kigo::bench
