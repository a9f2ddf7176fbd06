// Row decoders: gigabytes of float32 written a second, on one core.
#include <benchmark/benchmark.h>

#include <vector>

#include "bench/cpu_delay.h"
#include "core/base/random.h"
#include "core/quant/tensor_type.h"

namespace kigo::quant {
namespace {

void DecodeRow(benchmark::State& state, const TensorType* type) {
  constexpr int64_t kValues = 8192;  // 32 kB of floats: in the first-level cache
  std::vector<std::byte> row(kValues / type->block_values * type->block_bytes);
  Random random(1);
  for (std::byte& byte : row) byte = static_cast<std::byte>(random.below(0x3C));  // every scale finite
  std::vector<float> out(kValues);
  for (auto _ : state) {
    type->decode(row.data(), kValues, out.data());
    benchmark::ClobberMemory();
    bench::after_iteration();
  }
  state.SetBytesProcessed(state.iterations() * kValues * static_cast<int64_t>(sizeof(float)));
}

[[maybe_unused]] const bool kRegistered = [] {
  for (const TensorType& type : tensor_types()) {
    if (type.decode == nullptr) continue;
    benchmark::RegisterBenchmark(("DecodeRow/" + std::string(type.name)).c_str(), DecodeRow, &type);
  }
  return true;
}();

}  // namespace
}  // namespace kigo::quant
