// A tensor in memory of which everything around the elements is known, so that a kernel that reads or writes
// beyond them is caught: what it read shows in its result, what it wrote in the bytes around.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tests/pairs/pair.h"

namespace kigo::test {

/// How the tensors of a case lie in memory.
struct Layout {
  /// Rows apart and every tensor one element off a multiple of 256 bytes, for those whose contract allows it.
  bool padded = false;
  /// Around and between the elements, and in outputs and workspaces before the run. 0xFF is NaN in every
  /// float type and -1 in every integer.
  std::byte fill{0xFF};
};

/// Bytes that a kernel changed though they are not its to write.
struct Trespass {
  enum class Where : uint8_t { input, around } where;
  std::string text;  // "y: 3 bytes changed, first 8 bytes after the last element"
};

/// The bytes of one tensor's buffer on the host, before a kernel runs.
class Image {
 public:
  /// `tensor` must outlive the image.
  Image(const pairs::Tensor& tensor, const Layout& layout);

  const std::vector<std::byte>& bytes() const { return bytes_; }
  const pairs::Tensor& tensor() const { return *tensor_; }

  /// The tensor in a buffer at `base`, which is a multiple of 256.
  pairs::Placed placed(std::byte* base) const;
  /// The elements that a buffer holds, densely.
  std::vector<std::byte> elements(std::span<const std::byte> buffer) const;
  /// What differs from before, but for what the tensor's part allows to change. A zero-sized list is good.
  std::vector<Trespass> trespasses(std::span<const std::byte> after) const;

 private:
  /// Calls visit(offset in the buffer, offset in the dense elements) for every contiguous row.
  template <class Visit>
  void rows(Visit visit) const;
  std::string place(size_t at) const;

  const pairs::Tensor* tensor_;
  int64_t element_ = 1;  // bytes
  size_t first_ = 0;     // byte of the first element
  size_t row_bytes_ = 0;
  std::vector<int64_t> stride_;
  std::vector<std::byte> bytes_;
};

}  // namespace kigo::test
