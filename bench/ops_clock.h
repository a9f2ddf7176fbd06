// Measures what kernels take on a GPU, with CUDA events: with nothing in the second-level cache, alone or one
// after another, and hot; and what the hardware can do at all, in the same run.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>
#include <span>
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
  /// Microseconds of one launch in a graph of at least 20, one after another and round and round: the same
  /// work on memory of its own each. One of them alone is hot.
  Result<double> in_a_row_us(std::span<const Launch> launches);
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
