// Stands for the CUDA engine in a build without CUDA.
#include "tools/lib/engine.h"

namespace kigo::tools {

Result<std::unique_ptr<Engine>> open_cuda_engine(const model::Model&, const EngineOptions&,
                                                 const LoadProgress&) {
  return fail(Code::unsupported, "backend cuda", "a build without CUDA",
              "one of the preset cuda, or --backend cpu");
}

Status probe_cuda(int) { return fail(Code::unsupported, "backend cuda", "a build without CUDA"); }

}  // namespace kigo::tools
