// Stands for the CUDA engine and a GPU's memory in a build without CUDA.
#include "tools/lib/device_memory.h"
#include "tools/lib/engine.h"

namespace kigo::tools {

Result<std::unique_ptr<Engine>> open_cuda_engine(EngineModel, const EngineOptions&, const LoadProgress&) {
  return fail(Code::unsupported, "backend cuda", "a build without CUDA",
              "one of the preset cuda, or --backend cpu");
}

Status probe_cuda(int) { return fail(Code::unsupported, "backend cuda", "a build without CUDA"); }

Result<std::unique_ptr<DeviceMemory>> open_cuda_memory(int) {
  return fail(Code::unsupported, "backend cuda", "a build without CUDA", "device -1, the CPU");
}

Result<int> count_cuda_devices() { return fail(Code::unsupported, "backend cuda", "a build without CUDA"); }

}  // namespace kigo::tools
