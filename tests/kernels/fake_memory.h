// Memory that fails on demand, in the place of a device's or around it.
#pragma once

#include <cstdlib>
#include <limits>
#include <memory>
#include <set>
#include <utility>

#include "core/base/cat.h"
#include "kernels/runtime/memory_source.h"

namespace kigo::test {

/// Counts every allocation, device and pinned alike, and lets the n-th fail (from 0). Shared with the
/// source's function objects, so it may be asked after everything else is gone.
struct AllocationLog {
  int64_t calls = 0;
  int64_t fail_at = -1;  // none
  int64_t living = 0;
};

namespace detail {
inline kernels::Allocator counted(kernels::Allocator inner, std::shared_ptr<AllocationLog> log) {
  return {.allocate = [inner, log](int64_t bytes) -> Result<std::byte*> {
            if (log->calls++ == log->fail_at)
              return fail(Code::out_of_memory, "allocation", cat("number ", log->fail_at, " fails"), "");
            Result<std::byte*> data = inner.allocate(bytes);
            if (data) ++log->living;
            return data;
          },
          .release =
              [inner, log](std::byte* data) {
                --log->living;
                inner.release(data);
              }};
}
}  // namespace detail

/// The same source with every allocation counted.
inline kernels::MemorySource counted(kernels::MemorySource inner, std::shared_ptr<AllocationLog> log) {
  inner.device = detail::counted(std::move(inner.device), log);
  inner.pinned = detail::counted(std::move(inner.pinned), std::move(log));
  return inner;
}

/// Host memory in the place of both kinds, aligned as CUDA's is; "device" addresses are known as such.
inline kernels::MemorySource host_memory(int64_t available = std::numeric_limits<int64_t>::max()) {
  const auto device = std::make_shared<std::set<const std::byte*>>();
  const auto allocate = [](int64_t bytes) -> Result<std::byte*> {
    const size_t rounded = (static_cast<size_t>(bytes) + 255) / 256 * 256;
    return static_cast<std::byte*>(std::aligned_alloc(256, rounded));
  };
  kernels::MemorySource source;
  source.device.allocate = [device, allocate](int64_t bytes) -> Result<std::byte*> {
    KIGO_ASSIGN(std::byte* const data, allocate(bytes));
    device->insert(data);
    return data;
  };
  source.device.release = [device](std::byte* data) {
    device->erase(data);
    std::free(data);
  };
  source.pinned = {allocate, [](std::byte* data) { std::free(data); }};
  source.available_bytes = [available]() -> Result<int64_t> { return available; };
  source.check_resident = [device](const std::byte* data) -> Status {
    if (device->contains(data)) return {};
    return fail(Code::cuda, "residency", "host memory", "device memory");
  };
  return source;
}

}  // namespace kigo::test
