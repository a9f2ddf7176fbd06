// Counts what this test program asks of operator new.
#pragma once

#include <cstddef>

namespace kigo::gguf::test {

/// From construction on: the most bytes held at once beyond those held before, and the largest single
/// request.
class AllocationWatch {
 public:
  AllocationWatch();
  size_t peak() const;
  size_t largest() const;
};

/// While it lives, a request for more bytes at once than these ends in std::bad_alloc.
class AllocationLimit {
 public:
  explicit AllocationLimit(size_t bytes);
  AllocationLimit(const AllocationLimit&) = delete;
  AllocationLimit& operator=(const AllocationLimit&) = delete;
  ~AllocationLimit();
};

}  // namespace kigo::gguf::test
