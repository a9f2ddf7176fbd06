#include "bench/gpu_ceilings.h"

#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include "core/base/cat.h"
#include "core/base/random.h"
#include "kernels/runtime/cublas.h"
#include "kernels/runtime/status.h"

namespace kigo::bench {
namespace {

using kernels::status_of;
using tools::perf::Kind;
using tools::perf::Record;

constexpr size_t kMoved = size_t{1} << 30;
constexpr int64_t kReads = 4;
constexpr int64_t kHalfSize = 8192;
constexpr int64_t kFloatSize = 4096;
constexpr int64_t kNodes = 500;
constexpr int64_t kBarriers = 200;

/// From 2^-7 to 2^-3, either sign. Drawn, because equal numbers take less power and run faster than a real
/// product.
std::vector<uint64_t> random_halves(int64_t count) {
  std::vector<uint64_t> words(static_cast<size_t>(count / 4));
  Random random(1);
  for (uint64_t& word : words) word = (random.next() & 0x8FFF8FFF8FFF8FFFull) | 0x2000200020002000ull;
  return words;
}

/// The same for floats: exponents from 2^-8 to 2^-1.
std::vector<uint64_t> random_floats(int64_t count) {
  std::vector<uint64_t> words(static_cast<size_t>(count / 2));
  Random random(1);
  for (uint64_t& word : words) word = (random.next() & 0x83FFFFFF83FFFFFFull) | 0x3C0000003C000000ull;
  return words;
}

class Ceilings {
 public:
  Ceilings(GpuClock& clock, std::optional<double> delay_us) : clock_(clock), delay_us_(delay_us) {}

  /// Measures the work and adds its record. `parts`: of which a sample is the mean.
  Status add(const char* name, std::string text, const Launch& work, GpuClock::Flush flush, double bytes,
             double flops, double parts = 1) {
    Record record;
    record.subject = {Kind::ceiling, name, std::move(text), tools::perf::Cache::none};
    record.setting = clock_.setting(kMethod);
    record.bytes = bytes;
    record.flops = flops;
    KIGO_ASSIGN(Sampled sampled,
                sample(Plan{.limit_s = 3}, clock_.take(clock_.delayed(work, delay_us_), flush, 5, parts),
                       steady_seconds));
    fill(record, std::move(sampled));
    clock_.describe(record);
    records_.push_back(std::move(record));
    return {};
  }

  Status moves() {
    KIGO_ASSIGN(const test::DeviceMemory from, test::device_memory(kMoved));
    KIGO_ASSIGN(const test::DeviceMemory to, test::device_memory(kMoved));
    KIGO_TRY(status_of(cudaMemsetAsync(from.get(), 1, kMoved, clock_.stream()), "fill"));
    const auto copy = [&](kernels::Stream stream) {
      return status_of(cudaMemcpyAsync(to.get(), from.get(), kMoved, cudaMemcpyDeviceToDevice, stream),
                       "copy");
    };
    KIGO_TRY(add("copy", "1 GiB, device to device", copy, GpuClock::Flush::yes, 2.0 * kMoved, 0));
    const auto read = [&](kernels::Stream stream) {
      return read_all(from.get(), kMoved, static_cast<uint32_t*>(to.get()), clock_.device().multiprocessors,
                      stream);
    };
    KIGO_TRY(add("read", "1 GiB, summed", read, GpuClock::Flush::yes, kMoved, 0));
    // As kernels are measured in a row: without a launch of its own, and with what of the last round is left
    // in the cache.
    const Launch launch = read;
    KIGO_ASSIGN(const kernels::GraphExec reads, clock_.graph_of(std::span(&launch, 1), kReads));
    const auto row = [&](kernels::Stream stream) { return reads.launch(stream); };
    return add("read", "1 GiB, summed, in a row", row, GpuClock::Flush::no, kMoved, 0, kReads);
  }

  Status half_product(const kernels::Cublas& cublas) {
    constexpr int64_t kSize = kHalfSize;
    constexpr size_t kBytes = kSize * kSize * sizeof(f16);
    KIGO_ASSIGN(const test::DeviceMemory x, test::device_memory(kBytes));
    KIGO_ASSIGN(const test::DeviceMemory w, test::device_memory(kBytes));
    KIGO_ASSIGN(const test::DeviceMemory y, test::device_memory(2 * kBytes));
    const std::vector<uint64_t> drawn = random_halves(kSize * kSize);
    for (const auto* operand : {&x, &w})
      KIGO_TRY(status_of(cudaMemcpy(operand->get(), drawn.data(), kBytes, cudaMemcpyDefault), "operands"));
    const auto product = [&](kernels::Stream stream) {
      return kernels::matmul_half(cublas, {static_cast<const f16*>(x.get()), {kSize, kSize}},
                                  {static_cast<const f16*>(w.get()), {kSize, kSize}},
                                  {static_cast<float*>(y.get()), {kSize, kSize}}, 0, stream);
    };
    return add("gemm_half", cat(kSize, " x ", kSize, " x ", kSize, ", cuBLAS, float sums"), product,
               GpuClock::Flush::no, 0, 2.0 * kSize * kSize * kSize);
  }

  Status float_product(const kernels::Cublas& cublas) {
    constexpr int kSize = kFloatSize;
    constexpr size_t kBytes = size_t{kSize} * kSize * sizeof(float);
    KIGO_ASSIGN(const test::DeviceMemory a, test::device_memory(kBytes));
    KIGO_ASSIGN(const test::DeviceMemory b, test::device_memory(kBytes));
    KIGO_ASSIGN(const test::DeviceMemory c, test::device_memory(kBytes));
    const std::vector<uint64_t> drawn = random_floats(int64_t{kSize} * kSize);
    for (const auto* operand : {&a, &b})
      KIGO_TRY(status_of(cudaMemcpy(operand->get(), drawn.data(), kBytes, cudaMemcpyDefault), "operands"));
    const auto product = [&](kernels::Stream stream) -> Status {
      KIGO_ASSIGN(const cublasHandle_t handle, cublas.on(stream));
      const float one = 1, zero = 0;
      // CUBLAS_COMPUTE_32F_PEDANTIC: no tensor cores at reduced precision.
      const cublasStatus_t status =
          cublasGemmEx(handle, CUBLAS_OP_T, CUBLAS_OP_N, kSize, kSize, kSize, &one, a.get(), CUDA_R_32F,
                       kSize, b.get(), CUDA_R_32F, kSize, &zero, c.get(), CUDA_R_32F, kSize,
                       CUBLAS_COMPUTE_32F_PEDANTIC, CUBLAS_GEMM_DEFAULT);
      if (status == CUBLAS_STATUS_SUCCESS) return {};
      return fail(Code::cuda, "float product", cublasGetStatusString(status), "success");
    };
    return add("gemm_float", cat(kSize, " x ", kSize, " x ", kSize, ", cuBLAS, float"), product,
               GpuClock::Flush::no, 0, 2.0 * kSize * kSize * kSize);
  }

  Status launches() {
    const Launch nothing = [](kernels::Stream stream) { return launch_nothing(stream); };
    KIGO_TRY(add("launch", "an empty kernel", nothing, GpuClock::Flush::yes, 0, 0));
    KIGO_ASSIGN(const kernels::GraphExec nodes, clock_.graph_of(std::span(&nothing, 1), kNodes));
    const auto replay = [&](kernels::Stream stream) { return nodes.launch(stream); };
    KIGO_TRY(add("graph_node", cat("an empty kernel, one of ", kNodes), replay, GpuClock::Flush::no, 0, 0,
                 kNodes));
    const auto barriers = [&](kernels::Stream stream) {
      return wait_for_all(kBarriers, clock_.device().multiprocessors, stream);
    };
    return add("grid_barrier", cat("one of ", kBarriers, ", a block a multiprocessor"), barriers,
               GpuClock::Flush::no, 0, 0, kBarriers);
  }

  std::vector<Record> take() { return std::move(records_); }

 private:
  static constexpr int64_t kMethod = 1;
  GpuClock& clock_;
  std::optional<double> delay_us_;
  std::vector<Record> records_;
};

}  // namespace

Result<std::vector<Record>> measure_ceilings(GpuClock& clock, kernels::Vram& vram,
                                             std::optional<double> delay_us) {
  Ceilings ceilings(clock, delay_us);
  KIGO_TRY(ceilings.moves());
  {
    KIGO_ASSIGN(const kernels::Cublas cublas, kernels::Cublas::create(vram));
    KIGO_TRY(ceilings.half_product(cublas));
    KIGO_TRY(ceilings.float_product(cublas));
  }
  KIGO_TRY(ceilings.launches());
  return ceilings.take();
}

}  // namespace kigo::bench
