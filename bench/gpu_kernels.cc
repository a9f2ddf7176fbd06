#include "bench/gpu_kernels.h"

#include <cuda.h>
#include <cuda_runtime_api.h>
#include <dlfcn.h>

#include <algorithm>
#include <memory>

#include "core/base/cat.h"
#include "kernels/runtime/status.h"

namespace kigo::bench {
namespace {

using kernels::status_of;
using tools::perf::KernelUse;

/// The driver's functions, found at run time: the program also starts where there is no driver.
struct Driver {
  decltype(&cuGraphKernelNodeGetParams) node_parameters = nullptr;
  decltype(&cuKernelGetFunction) function_of = nullptr;
  decltype(&cuFuncGetName) name_of = nullptr;
  decltype(&cuFuncGetAttribute) attribute_of = nullptr;
  decltype(&cuOccupancyMaxActiveBlocksPerMultiprocessor) occupancy_of = nullptr;

  static Result<Driver> load() {
    Driver driver;
    void* const library = dlopen("libcuda.so.1", RTLD_NOW);
    if (library == nullptr) return fail(Code::unsupported, "driver", dlerror(), "libcuda.so.1");
    const auto find = [&](auto& function, const char* symbol) -> Status {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, symbol));
      if (function == nullptr) return fail(Code::unsupported, "driver", cat("no function ", symbol), "it");
      return {};
    };
    KIGO_TRY(find(driver.node_parameters, "cuGraphKernelNodeGetParams_v2"));
    KIGO_TRY(find(driver.function_of, "cuKernelGetFunction"));
    KIGO_TRY(find(driver.name_of, "cuFuncGetName"));
    KIGO_TRY(find(driver.attribute_of, "cuFuncGetAttribute"));
    KIGO_TRY(find(driver.occupancy_of, "cuOccupancyMaxActiveBlocksPerMultiprocessor"));
    return driver;
  }
};

Status status_of_driver(CUresult result, const char* subject) {
  if (result == CUDA_SUCCESS) return {};
  return fail(Code::cuda, subject, cat("the driver's error ", static_cast<int>(result)), "success");
}

struct DestroyGraph {
  void operator()(CUgraph_st* graph) const { cudaGraphDestroy(graph); }
};
using Graph = std::unique_ptr<CUgraph_st, DestroyGraph>;

Result<Graph> capture(const Launch& launch, kernels::Stream stream) {
  KIGO_TRY(status_of(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "capture"));
  const Status launched = launch(stream);
  cudaGraph_t recorded = nullptr;
  const cudaError_t ended = cudaStreamEndCapture(stream, &recorded);
  Graph graph(recorded);
  if (ended != cudaSuccess) (void)cudaGetLastError();
  KIGO_TRY(launched);
  KIGO_TRY(status_of(ended, "capture"));
  return graph;
}

Result<KernelUse> kernel_of(const Driver& driver, CUgraphNode node, int warps_of_multiprocessor) {
  CUDA_KERNEL_NODE_PARAMS parameters{};
  KIGO_TRY(status_of_driver(driver.node_parameters(node, &parameters), "kernel node"));
  CUfunction function = parameters.func;
  if (function == nullptr)
    KIGO_TRY(status_of_driver(driver.function_of(&function, parameters.kern), "kernel's function"));
  KernelUse use;
  use.launches = 1;
  const char* name = nullptr;
  KIGO_TRY(status_of_driver(driver.name_of(&name, function), "kernel's name"));
  use.name = name;
  const auto attribute = [&](CUfunction_attribute which) -> Result<int64_t> {
    int value = 0;
    KIGO_TRY(status_of_driver(driver.attribute_of(&value, which, function), "kernel's attribute"));
    return value;
  };
  KIGO_ASSIGN(use.registers, attribute(CU_FUNC_ATTRIBUTE_NUM_REGS));
  KIGO_ASSIGN(use.spill_bytes, attribute(CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES));
  KIGO_ASSIGN(const int64_t fixed_bytes, attribute(CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES));
  use.shared_bytes = fixed_bytes + parameters.sharedMemBytes;
  const auto threads = static_cast<int>(parameters.blockDimX * parameters.blockDimY * parameters.blockDimZ);
  int blocks = 0;
  KIGO_TRY(status_of_driver(driver.occupancy_of(&blocks, function, threads, parameters.sharedMemBytes),
                            "kernel's occupancy"));
  use.occupancy = static_cast<double>(blocks) * ((threads + 31) / 32) / warps_of_multiprocessor;
  return use;
}

}  // namespace

Result<std::vector<KernelUse>> kernels_of(const Launch& launch, kernels::Stream stream) {
  KIGO_ASSIGN(const Driver driver, Driver::load());
  KIGO_ASSIGN(const Graph graph, capture(launch, stream));
  int device = 0, threads = 0;
  KIGO_TRY(status_of(cudaGetDevice(&device), "device"));
  KIGO_TRY(status_of(cudaDeviceGetAttribute(&threads, cudaDevAttrMaxThreadsPerMultiProcessor, device),
                     "threads of a multiprocessor"));
  size_t count = 0;
  KIGO_TRY(status_of(cudaGraphGetNodes(graph.get(), nullptr, &count), "graph nodes"));
  std::vector<cudaGraphNode_t> nodes(count);
  if (count > 0) KIGO_TRY(status_of(cudaGraphGetNodes(graph.get(), nodes.data(), &count), "graph nodes"));
  std::vector<KernelUse> uses;
  for (const cudaGraphNode_t node : nodes) {
    cudaGraphNodeType type{};
    KIGO_TRY(status_of(cudaGraphNodeGetType(node, &type), "graph node"));
    if (type != cudaGraphNodeTypeKernel) continue;
    KIGO_ASSIGN(const KernelUse use, kernel_of(driver, node, threads / 32));
    const auto known = std::ranges::find(uses, use.name, &KernelUse::name);
    if (known == uses.end()) {
      uses.push_back(use);
    } else {
      ++known->launches;
    }
  }
  return uses;
}

}  // namespace kigo::bench
