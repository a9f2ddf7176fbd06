// Takes samples on a GPU: CUDA events around the work, the multiprocessors' clock before and after it, and
// what NVML says about the machine meanwhile.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bench/gpu_probes.h"
#include "bench/nvml.h"
#include "bench/sampling.h"
#include "core/base/result.h"
#include "kernels/runtime/device_info.h"
#include "kernels/runtime/graph.h"
#include "kernels/runtime/owned_stream.h"
#include "kernels/runtime/stream.h"
#include "tests/support/device.h"
#include "tools/lib/perf/record.h"

namespace kigo::bench {

using Launch = std::function<Status(kernels::Stream)>;

class GpuClock {
 public:
  /// On a stream of the current device, which outlives the clock. Warms the device up until its clock has
  /// settled, a second at most. Errors: cuda, out_of_memory.
  static Result<GpuClock> create(const kernels::DeviceInfo& device, kernels::Stream stream);

  kernels::Stream stream() const { return stream_; }
  const kernels::DeviceInfo& device() const { return device_; }
  /// Of the multiprocessors, when it was last looked at.
  double mhz() const { return mhz_; }

  /// The work with a spin behind it, which lies inside the measurement. Nothing: the work as it is.
  Launch delayed(Launch work, std::optional<double> delay_us) const;

  /// A take of so many samples of the work, each of which counts as `parts`: microseconds of one part. With
  /// Flush::yes the second-level cache is written over three times before each sample, which also keeps the
  /// device busy until the work is enqueued.
  enum class Flush { no, yes };
  Take take(Launch work, Flush flush, int count, double parts = 1);

  /// A take of one sample of work that waits for the device itself, on the host's clock: from the call to the
  /// return. `before` is done ahead of it and not measured.
  using Work = std::function<Status()>;
  Take take_on_host(Work work, std::optional<double> delay_us, Work before = {});

  /// The launches one after another and round and round, so many in all, as a graph.
  Result<kernels::GraphExec> graph_of(std::span<const Launch> launches, int64_t count) const;

  /// Fills what a record says about the machine: temperature and power now, throttling since the last call.
  void describe(tools::perf::Record& record);
  /// Where and how this program measures.
  tools::perf::Setting setting(int64_t method) const {
    tools::perf::Setting setting = setting_;
    setting.method = method;
    return setting;
  }

 private:
  Result<std::vector<Taken>> take_now(const Launch& work, Flush flush, int count, double parts);
  Status enqueue(const Launch& work, Flush flush, size_t index);
  Status warm_up();
  void look_at_machine();
  tools::perf::Setting find_setting() const;
  /// Looks at the clock, and waits for the stream. 0 when it is not known. Errors: cuda.
  Result<double> look();
  /// Samples of the stamps in device memory: the mean of the two of each.
  Result<std::vector<ClockStamp>> read_stamps(size_t count) const;

  static constexpr int kMostInTake = 16;

  kernels::DeviceInfo device_;
  kernels::Stream stream_ = nullptr;
  std::optional<Nvml> nvml_;
  test::DeviceMemory flush_;
  size_t flush_bytes_ = 0;
  test::DeviceMemory stamps_;  // ClockStamp, two a sample
  std::vector<kernels::Event> starts_, stops_;
  double mhz_ = 0;
  tools::perf::Setting setting_;
  double looked_s_ = -1;      // when look_at_machine() last asked
  uint64_t reasons_now_ = 0;  // what it was told
  uint64_t reasons_ = 0;      // all that it was told since the last describe()
};

}  // namespace kigo::bench
