// Replaces operator new and delete for the whole test program.
#include "tests/core/gguf/allocations.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <new>

namespace {

std::atomic<size_t> held{0};
std::atomic<size_t> most{0};
std::atomic<size_t> largest_new{0};
std::atomic<size_t> refuse_above{std::numeric_limits<size_t>::max()};

void raise(std::atomic<size_t>& mark, size_t value) {
  size_t seen = mark.load();
  while (seen < value && !mark.compare_exchange_weak(seen, value)) {
  }
}

}  // namespace

// The other forms of new and delete, but for the aligned ones, end here.
void* operator new(size_t size) {
  raise(largest_new, size);
  if (size > refuse_above) throw std::bad_alloc();
  void* memory = std::malloc(std::max<size_t>(size, 1));
  if (memory == nullptr) throw std::bad_alloc();
  raise(most, held += malloc_usable_size(memory));
  return memory;
}

void operator delete(void* memory) noexcept {
  held -= malloc_usable_size(memory);
  std::free(memory);
}

void operator delete(void* memory, size_t) noexcept { operator delete(memory); }

namespace kigo::gguf::test {
namespace {
size_t held_before = 0;
}

AllocationWatch::AllocationWatch() {
  held_before = held;
  most = held.load();
  largest_new = 0;
}

size_t AllocationWatch::peak() const { return most - held_before; }

size_t AllocationWatch::largest() const { return largest_new; }

AllocationLimit::AllocationLimit(size_t bytes) { refuse_above = bytes; }

AllocationLimit::~AllocationLimit() { refuse_above = std::numeric_limits<size_t>::max(); }

}  // namespace kigo::gguf::test
