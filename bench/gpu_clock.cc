#include "bench/gpu_clock.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iostream>

#include "core/base/cat.h"
#include "core/base/check.h"
#include "kernels/runtime/context.h"
#include "kernels/runtime/status.h"

namespace kigo::bench {
namespace {

using kernels::status_of;

std::string version_text(int version) { return cat(version / 1000, ".", version % 1000 / 10); }

/// "00000000:3B:00.0"
std::string pci_bus_id(int device) {
  std::array<char, 32> text{};
  return cudaDeviceGetPCIBusId(text.data(), static_cast<int>(text.size()), device) == cudaSuccess
             ? text.data()
             : "";
}

/// From kilohertz; 0 when the device will not say.
int attribute_mhz(cudaDeviceAttr attribute, int device) {
  int khz = 0;
  return cudaDeviceGetAttribute(&khz, attribute, device) == cudaSuccess ? khz / 1000 : 0;
}

}  // namespace

Result<GpuClock> GpuClock::create(const kernels::DeviceInfo& device, kernels::Stream stream) {
  GpuClock clock;
  clock.device_ = device;
  clock.stream_ = stream;
  if (auto nvml = Nvml::open(pci_bus_id(device.index))) {
    clock.nvml_ = std::move(*nvml);
  } else {
    std::cerr << nvml.error().message() << "; going on without\n";
  }
  clock.flush_bytes_ = static_cast<size_t>(std::max<int64_t>(3 * device.l2_bytes, 64 << 20));
  KIGO_ASSIGN(clock.flush_, test::device_memory(clock.flush_bytes_));
  KIGO_ASSIGN(clock.stamps_, test::device_memory(2 * kMostInTake * sizeof(ClockStamp)));
  for (int i = 0; i < kMostInTake; ++i) {
    KIGO_ASSIGN(kernels::Event start, kernels::Event::create(kernels::Event::Timing::on));
    KIGO_ASSIGN(kernels::Event stop, kernels::Event::create(kernels::Event::Timing::on));
    clock.starts_.push_back(std::move(start));
    clock.stops_.push_back(std::move(stop));
  }
  clock.setting_ = clock.find_setting();
  KIGO_TRY(clock.warm_up());
  return clock;
}

/// Asks NVML why the device is slower than it could be: a hundred times a second, since that takes longer
/// than many a kernel and heat does not come and go by the millisecond.
void GpuClock::look_at_machine() {
  constexpr double kEveryS = 0.01;
  if (!nvml_ || steady_seconds() - looked_s_ < kEveryS) return;
  looked_s_ = steady_seconds();
  reasons_now_ = nvml_->reasons();
  reasons_ |= reasons_now_;
}

/// An idle device runs at a sixth of its clock and takes a while to go up.
Status GpuClock::warm_up() {
  const double begun = steady_seconds();
  double last = 0;
  const Launch nothing = [](kernels::Stream stream) { return launch_nothing(stream); };
  do {
    last = mhz_;
    for (int i = 0; i < 10; ++i) KIGO_TRY(take_now(nothing, Flush::yes, kMostInTake, 1));
  } while (std::abs(mhz_ - last) > 0.002 * mhz_ && steady_seconds() - begun < 1);
  return {};
}

Launch GpuClock::delayed(Launch work, std::optional<double> delay_us) const {
  if (!delay_us) return work;
  // In cycles, because the timer may tick by the microsecond.
  const auto cycles = static_cast<int64_t>(*delay_us * mhz_);
  return [work = std::move(work), cycles](kernels::Stream stream) -> Status {
    KIGO_TRY(work(stream));
    return spin(cycles, stream);
  };
}

Take GpuClock::take(Launch work, Flush flush, int count, double parts) {
  KIGO_CHECK(count >= 1 && count <= kMostInTake);
  return [this, work = std::move(work), flush, count, parts] { return take_now(work, flush, count, parts); };
}

Status GpuClock::enqueue(const Launch& work, Flush flush, size_t index) {
  auto* const stamps = static_cast<ClockStamp*>(stamps_.get());
  KIGO_TRY(stamp_clock(&stamps[2 * index], stream_));
  if (flush == Flush::yes)
    KIGO_TRY(status_of(cudaMemsetAsync(flush_.get(), 0, flush_bytes_, stream_), "flush of the cache"));
  KIGO_TRY(starts_[index].record(stream_));
  KIGO_TRY(work(stream_));
  KIGO_TRY(stops_[index].record(stream_));
  return stamp_clock(&stamps[2 * index + 1], stream_);
}

Result<std::vector<ClockStamp>> GpuClock::read_stamps(size_t count) const {
  std::vector<ClockStamp> stamps(count);
  KIGO_TRY(status_of(cudaMemcpyAsync(stamps.data(), stamps_.get(), count * sizeof(ClockStamp),
                                     cudaMemcpyDeviceToHost, stream_),
                     "clock stamps"));
  KIGO_TRY(kernels::synchronize(stream_));
  return stamps;
}

Result<double> GpuClock::look() {
  KIGO_TRY(stamp_clock(static_cast<ClockStamp*>(stamps_.get()), stream_));
  KIGO_ASSIGN(const std::vector<ClockStamp> stamps, read_stamps(1));
  return stamps.front().mhz();
}

Take GpuClock::take_on_host(Work work, std::optional<double> delay_us, Work before) {
  return
      [this, work = std::move(work), delay_us, before = std::move(before)]() -> Result<std::vector<Taken>> {
        if (before) KIGO_TRY(before());
        KIGO_ASSIGN(const double mhz_before, look());
        const double begun = steady_seconds();
        KIGO_TRY(work());
        if (delay_us) {
          KIGO_TRY(spin(static_cast<int64_t>(*delay_us * mhz_), stream_));
          KIGO_TRY(kernels::synchronize(stream_));
        }
        const double ended = steady_seconds();
        KIGO_ASSIGN(const double mhz_after, look());
        Taken taken{.us = 1e6 * (ended - begun), .mhz = (mhz_before + mhz_after) / 2, .off = {}};
        const uint64_t reasons = nvml_ ? nvml_->reasons() : 0;
        reasons_ |= reasons;
        if (disqualifying(reasons) != 0) taken.off = reasons_text(disqualifying(reasons));
        mhz_ = taken.mhz;
        return std::vector<Taken>{taken};
      };
}

Result<std::vector<Taken>> GpuClock::take_now(const Launch& work, Flush flush, int count, double parts) {
  for (int i = 0; i < count; ++i) KIGO_TRY(enqueue(work, flush, static_cast<size_t>(i)));
  KIGO_ASSIGN(const std::vector<ClockStamp> stamps, read_stamps(2 * static_cast<size_t>(count)));
  look_at_machine();
  std::vector<Taken> taken;
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    KIGO_ASSIGN(const float elapsed_ms, stops_[i].elapsed_ms_since(starts_[i]));
    Taken one;
    one.us = 1000.0 * double{elapsed_ms} / parts;
    one.mhz = (stamps[2 * i].mhz() + stamps[2 * i + 1].mhz()) / 2;
    if (disqualifying(reasons_now_) != 0) one.off = reasons_text(disqualifying(reasons_now_));
    mhz_ = one.mhz;
    taken.push_back(std::move(one));
  }
  return taken;
}

Result<kernels::GraphExec> GpuClock::graph_of(std::span<const Launch> launches, int64_t count) const {
  const auto many = [&]() -> Status {
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) KIGO_TRY(launches[i % launches.size()](stream_));
    return {};
  };
  KIGO_ASSIGN(const kernels::Graph graph, kernels::Graph::capture(stream_, many));
  return kernels::GraphExec::create(graph);
}

void GpuClock::describe(tools::perf::Record& record) {
  record.throttle = "unknown";
  if (!nvml_) return;
  record.temperature_c = nvml_->temperature_c();
  record.power_w = nvml_->power_w();
  // That it is idle between two takes says nothing about them.
  record.throttle = reasons_text((reasons_ | reasons_now_) & ~uint64_t{1});
  reasons_ = 0;
}

tools::perf::Setting GpuClock::find_setting() const {
  int driver = 0, runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  const int64_t sm_mhz = nvml_ ? nvml_->max_sm_mhz() : attribute_mhz(cudaDevAttrClockRate, device_.index);
  const int64_t memory_mhz =
      nvml_ ? nvml_->max_memory_mhz() : attribute_mhz(cudaDevAttrMemoryClockRate, device_.index);
  const std::string version = nvml_ ? nvml_->driver_version() : "";
  return {.device = device_.name,
          .driver = version.empty() ? cat("CUDA ", version_text(driver)) : version,
          .cuda = version_text(runtime),
          .clocks = cat("sm ", sm_mhz, " MHz, memory ", memory_mhz, " MHz"),
          .flags = KIGO_FLAGS,
          .method = 0};
}

}  // namespace kigo::bench
