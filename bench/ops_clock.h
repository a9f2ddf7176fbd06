// Measures what kernels take on a GPU, with CUDA events: cold, with nothing in the second-level cache, and
// hot; and what the hardware can do at all, in the same run.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "kernels/runtime/context.h"
#include "kernels/runtime/owned_stream.h"
#include "tests/support/device.h"

namespace kigo::bench {

using Launch = std::function<Status(kernels::Stream)>;

/// The limits that shares are taken of.
struct Limits {
  double copy_bytes_per_s = 0;  // device to device, 1 GiB, bytes read and written
  double half_flops_per_s = 0;  // cuBLAS, 8192 x 8192 x 8192, half operands, float sums
};

class Clock {
 public:
  /// Errors: cuda, out_of_memory, unsupported (as Context::create).
  static Result<Clock> create();

  const test::TestStream& stream() const { return *stream_; }
  const kernels::DeviceInfo& device() const { return context_->info(); }

  /// Microseconds of one launch, after a write to three times the second-level cache.
  Result<double> cold_us(const Launch& launch);
  /// Microseconds of one launch of the 20 in a graph, one after another on the same memory.
  Result<double> hot_us(const Launch& launch);
  Result<Limits> limits();

 private:
  Result<double> between_events_us(const Launch& work);

  std::unique_ptr<kernels::Context> context_;
  std::unique_ptr<test::TestStream> stream_;
  test::DeviceMemory flush_;
  size_t flush_bytes_ = 0;
  kernels::Event start_, stop_;
};

/// The middle one of a few measurements. The list must not be empty.
double median(std::vector<double> values);

}  // namespace kigo::bench
