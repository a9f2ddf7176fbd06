#include "bench/ops_clock.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/random.h"
#include "kernels/runtime/cublas.h"
#include "kernels/runtime/graph.h"
#include "kernels/runtime/status.h"

namespace kigo::bench {
namespace {

using kernels::status_of;

constexpr size_t kLaunchesInGraph = 20;
constexpr int kMeasurements = 7;

/// From 2^-7 to 2^-3, either sign. Drawn, because equal numbers take less power and run faster than a real
/// product.
std::vector<uint64_t> random_halves(int64_t count) {
  std::vector<uint64_t> words(static_cast<size_t>(count / 4));
  Random random(1);
  for (uint64_t& word : words) word = (random.next() & 0x8FFF8FFF8FFF8FFFull) | 0x2000200020002000ull;
  return words;
}

}  // namespace

double median(std::vector<double> values) {
  KIGO_CHECK(!values.empty());
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

Result<Clock> Clock::create() {
  Clock clock;
  KIGO_ASSIGN(kernels::Context context, kernels::Context::create());
  clock.context_ = std::make_unique<kernels::Context>(std::move(context));
  clock.stream_ = std::make_unique<test::TestStream>();
  clock.flush_bytes_ = static_cast<size_t>(std::max<int64_t>(3 * clock.device().l2_bytes, 64 << 20));
  KIGO_ASSIGN(clock.flush_, test::device_memory(clock.flush_bytes_));
  KIGO_ASSIGN(clock.start_, kernels::Event::create(kernels::Event::Timing::on));
  KIGO_ASSIGN(clock.stop_, kernels::Event::create(kernels::Event::Timing::on));
  return clock;
}

Result<double> Clock::between_events_us(const Launch& work) {
  KIGO_TRY(start_.record(stream()));
  KIGO_TRY(work(stream()));
  KIGO_TRY(stop_.record(stream()));
  KIGO_TRY(stop_.wait());
  KIGO_ASSIGN(const float elapsed_ms, stop_.elapsed_ms_since(start_));
  return 1000.0 * double{elapsed_ms};
}

Result<double> Clock::cold_us(const Launch& launch) {
  // The write takes longer than it takes to enqueue the launch: between the events the device never waits for
  // the host.
  KIGO_TRY(status_of(cudaMemsetAsync(flush_.get(), 0, flush_bytes_, stream()), "flush of the cache"));
  return between_events_us(launch);
}

Result<double> Clock::in_a_row_us(std::span<const Launch> launches) {
  const size_t count = (kLaunchesInGraph + launches.size() - 1) / launches.size() * launches.size();
  const Launch many = [&](kernels::Stream stream) -> Status {
    for (size_t i = 0; i < count; ++i) KIGO_TRY(launches[i % launches.size()](stream));
    return {};
  };
  KIGO_ASSIGN(const kernels::Graph graph, kernels::Graph::capture(stream(), [&] { return many(stream()); }));
  KIGO_ASSIGN(const kernels::GraphExec exec, kernels::GraphExec::create(graph));
  const Launch replay = [&](kernels::Stream stream) { return exec.launch(stream); };
  KIGO_TRY(replay(stream()));  // the first one uploads the graph
  std::vector<double> each_us;
  for (int i = 0; i < kMeasurements; ++i) {
    KIGO_ASSIGN(const double us, between_events_us(replay));
    each_us.push_back(us / static_cast<double>(count));
  }
  return median(std::move(each_us));
}

Result<Limits> Clock::limits() {
  constexpr size_t kCopied = size_t{1} << 30;
  constexpr int64_t kSize = 8192;
  constexpr size_t kHalves = kSize * kSize * 2;
  Limits limits;
  std::vector<double> copy_us, gemm_us;
  {
    KIGO_ASSIGN(const test::DeviceMemory from, test::device_memory(kCopied));
    KIGO_ASSIGN(const test::DeviceMemory to, test::device_memory(kCopied));
    KIGO_TRY(status_of(cudaMemsetAsync(from.get(), 1, kCopied, stream()), "fill"));
    for (int i = 0; i < kMeasurements; ++i) {
      KIGO_ASSIGN(const double us, between_events_us([&](kernels::Stream stream) {
                    return status_of(
                        cudaMemcpyAsync(to.get(), from.get(), kCopied, cudaMemcpyDeviceToDevice, stream),
                        "copy");
                  }));
      copy_us.push_back(us);
    }
  }
  KIGO_ASSIGN(const kernels::Cublas cublas, kernels::Cublas::create(context_->vram()));
  KIGO_ASSIGN(const test::DeviceMemory x, test::device_memory(kHalves));
  KIGO_ASSIGN(const test::DeviceMemory w, test::device_memory(kHalves));
  KIGO_ASSIGN(const test::DeviceMemory y, test::device_memory(2 * kHalves));
  for (const auto* operand : {&x, &w})
    KIGO_TRY(
        status_of(cudaMemcpy(operand->get(), random_halves(kSize * kSize).data(), kHalves, cudaMemcpyDefault),
                  "operands"));
  for (int i = 0; i < kMeasurements; ++i) {
    KIGO_ASSIGN(const double us, between_events_us([&](kernels::Stream stream) {
                  return kernels::matmul_half(cublas, {static_cast<const f16*>(x.get()), {kSize, kSize}},
                                              {static_cast<const f16*>(w.get()), {kSize, kSize}},
                                              {static_cast<float*>(y.get()), {kSize, kSize}}, 0, stream);
                }));
    gemm_us.push_back(us);
  }
  KIGO_TRY(stream().wait());
  limits.copy_bytes_per_s = 2.0 * kCopied / (1e-6 * median(copy_us));
  limits.half_flops_per_s = 2.0 * kSize * kSize * kSize / (1e-6 * median(gemm_us));
  return limits;
}

}  // namespace kigo::bench
