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

}  // namespace kigo::gguf::test
